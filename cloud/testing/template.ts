import { CfnElement, type Stack } from 'aws-cdk-lib';
import { z } from 'zod';

const resourceSchema = z.object({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  Condition: z.string().optional(),
  DeletionPolicy: z.string().optional(),
  UpdateReplacePolicy: z.string().optional(),
});
const templateSchema = z.object({ Resources: z.record(z.string(), resourceSchema).default({}) });

/** A resource of a synthesised template. */
export interface TemplateResource extends z.infer<typeof resourceSchema> {
  logicalId: string;
  /** Construct path below the stack, without the last `Resource`: `Parking/Depth`. */
  path: string;
}

/** The resources of a stack, as its template in the cloud assembly has them. */
export function resourcesOf(stack: Stack, template: unknown): TemplateResource[] {
  const paths = pathsOf(stack);
  return Object.entries(templateSchema.parse(template).Resources).map(([logicalId, resource]) => ({
    ...resource,
    logicalId,
    path: paths.get(logicalId) ?? logicalId,
  }));
}

function pathsOf(stack: Stack): Map<string, string> {
  const paths = new Map<string, string>();
  for (const node of stack.node.findAll()) {
    if (!CfnElement.isCfnElement(node)) continue;
    const logicalId = z.string().parse(stack.resolve(node.logicalId));
    const path = node.node.path.slice(stack.node.path.length + 1).replace(/\/Resource$/, '');
    paths.set(logicalId, path);
  }
  return paths;
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
  return attribute.endsWith('Arn') ? pathOf(id) : `${pathOf(id)}.${attribute}`;
}
