import { z } from 'zod';
import { maxMessageBytes, maxSentBytes } from '../anomaly/anomaly.ts';
import { jsonText } from './json-text.ts';
import { jsonSchemaOf, type MessageKind, messageKinds } from './messages.ts';

/** Text of device/messages/README.md: what is said on each topic, by whom and when. */
export function messagesPage(): string {
  return `${[introduction(), ...messageKinds.map(section)].join('\n\n')}\n`;
}

function introduction(): string {
  return `# Messages

<!-- Generated from messages.ts and the schemas it names by \`npm run reference\`. -->

What the components say to each other, as JSON in UTF-8, at QoS 1. Each kind has a JSON Schema (2020-12) beside this page.

| Message | Topic | From |
|---|---|---|
${messageKinds.map((kind) => `| [${kind.title}](#${anchor(kind.title)}) | \`${kind.topic}\` | ${kind.sender} |`).join('\n')}

- **Versions.** \`version\` stands in every message. Within a version fields are only added. A reader ignores fields that it does not know and
  accepts the previous version too, so components can be updated one after the other. An anomaly of an unknown version is answered with
  \`rejected\` and the versions that are known; nothing of it is guessed.
- **Size.** A message is sent with at most ${maxSentBytes.toLocaleString('en')} bytes: Greengrass Nucleus Lite closes the connection above 10,000, in base64.
  What does not fit is cut before it is sent (the window of an anomaly) or paged (a roll call); a message of more than
  ${maxMessageBytes.toLocaleString('en')} bytes is refused unread.
- **Stamps.** Instants are ISO 8601 in UTC and may be wrong on a device whose clock is not set; \`clockSynchronised\` says so.
  Durations are measured with \`monotonicMs\`, within one \`bootId\`.
- **Identity.** (device, \`installationId\`, key, \`sequence\`) tells an anomaly message from every other; the key is (site, device, metric, rule).
- **Topics** are those of the defaults. With \`topics.perDevice\` the device stands last: \`IoTBlog/sensorData/<device>\`,
  \`IoTBlog/anomaly/from/<device>\`, \`IoTBlog/anomaly/ack/<device>\`; a payload of another device than the topic's is refused.`;
}

function section(kind: MessageKind): string {
  const examples = kind.examples.map((example) => `\`\`\`json\n${jsonText(example)}\n\`\`\``);
  return [
    `## ${kind.title}`,
    `\`${kind.topic}\`, from the ${kind.sender}; schema [${kind.name}.schema.json](${kind.name}.schema.json).`,
    kind.when,
    fieldTable(kind),
    ...examples,
  ].join('\n\n');
}

const part = z.object({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  format: z.string().optional(),
  description: z.string().optional(),
  enum: z.array(z.unknown()).optional(),
  const: z.unknown().optional(),
  required: z.array(z.string()).optional(),
  get properties() {
    return z.record(z.string(), part).optional();
  },
  get anyOf() {
    return z.array(part).optional();
  },
  get oneOf() {
    return z.array(part).optional();
  },
});
type Part = z.infer<typeof part>;

/** Fields at the top of the message; of a message of several kinds with the kinds that have each. */
function fieldTable(kind: MessageKind): string {
  const root = part.parse(jsonSchemaOf(kind));
  const variants = root.oneOf ?? root.anyOf ?? [root];
  const names = [...new Set(variants.flatMap((variant) => Object.keys(variant.properties ?? {})))];
  const lines = names.map((name) => {
    const having = variants.filter((variant) => variant.properties?.[name] !== undefined);
    const fields = having.flatMap((variant) => variant.properties?.[name] ?? []);
    const [field] = fields;
    const optional = having.some((variant) => variant.required?.includes(name) !== true) ? ' Optional.' : '';
    const only = having.length === variants.length ? '' : ` Of ${having.map(kindName).join(' and ')}.`;
    const types = [...new Set(fields.map(typeOf))].join(' or ');
    const meaning = fields.length > 1 && name === 'kind' ? 'Which of the three it is.' : (field?.description ?? '');
    return `| \`${name}\` | ${types} | ${meaning}${only}${optional} |`;
  });
  return ['| Field | Value | Meaning |', '|---|---|---|', ...lines].join('\n');
}

function kindName(variant: Part): string {
  return `\`${String(variant.properties?.['kind']?.const)}\``;
}

function typeOf(field: Part): string {
  if (field.const !== undefined) return `\`${JSON.stringify(field.const)}\``;
  if (field.enum !== undefined) return field.enum.map((one) => `\`${String(one)}\``).join(', ');
  if (field.anyOf !== undefined) return field.anyOf.map(typeOf).join(' or ');
  if (field.format === 'date-time') return 'date and time';
  return [field.type ?? 'any'].flat().join(' or ');
}

function anchor(title: string): string {
  return title.toLowerCase().replaceAll(' ', '-');
}
