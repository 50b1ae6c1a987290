import { z } from 'zod';

const resourceSchema = z.object({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  Condition: z.string().optional(),
  DeletionPolicy: z.string().optional(),
  UpdateReplacePolicy: z.string().optional(),
  Metadata: z
    .looseObject({
      'aws:cdk:path': z.string().optional(),
      entry: z.string().optional(),
      extensions: z.array(z.string()).optional(),
    })
    .default({}),
});
const templateSchema = z.object({ Resources: z.record(z.string(), resourceSchema).default({}) });

/** A resource of a synthesised template. */
export interface TemplateResource extends Omit<z.infer<typeof resourceSchema>, 'Metadata'> {
  /** Of a `NodeFunction`: its module below cloud/. */
  entry?: string | undefined;
  /** The modules of the extensions beside it. */
  extensions?: readonly string[] | undefined;
  logicalId: string;
  /** Construct path below the stack, without the last `Resource`: `Parking/Depth`. */
  path: string;
}

/** The resources of a template; its paths are those that the CDK wrote beside them. */
export function resourcesOf(template: unknown): TemplateResource[] {
  return Object.entries(templateSchema.parse(template).Resources).map(([logicalId, { Metadata, ...resource }]) => ({
    ...resource,
    logicalId,
    ...(Metadata.entry === undefined ? {} : { entry: Metadata.entry }),
    ...(Metadata.extensions === undefined ? {} : { extensions: Metadata.extensions }),
    path: Metadata['aws:cdk:path']?.replace(/^[^/]+\//, '').replace(/\/Resource$/, '') ?? logicalId,
  }));
}

const reference = z.union([
  z.strictObject({ Ref: z.string() }),
  z.strictObject({ 'Fn::GetAtt': z.tuple([z.string(), z.string()]) }),
  z.strictObject({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) }),
  z.strictObject({ 'Fn::Sub': z.string() }),
]);

/**
 * A value of a template in one line: a reference to a resource (its `Ref` or its ARN) as its construct path, a pseudo
 * parameter as `${AWS::Region}`, what is joined in one piece, and anything else as JSON.
 */
export function inWords(value: unknown, resources: readonly TemplateResource[]): string {
  const pathOf = (id: string) => resources.find(({ logicalId }) => logicalId === id)?.path ?? `\${${id}}`;
  if (typeof value === 'string') return value;
  const parsed = reference.safeParse(value);
  if (!parsed.success) return JSON.stringify(value);
  const found = parsed.data;
  if ('Ref' in found) return pathOf(found.Ref);
  if ('Fn::Sub' in found) return found['Fn::Sub'];
  if ('Fn::Join' in found) {
    const [separator, parts] = found['Fn::Join'];
    return parts.map((part) => inWords(part, resources)).join(separator);
  }
  const [id, attribute] = found['Fn::GetAtt'];
  // A table has two ARNs: its own, and that of its stream.
  return attribute.endsWith('Arn') && attribute !== 'StreamArn' ? pathOf(id) : `${pathOf(id)}.${attribute}`;
}
