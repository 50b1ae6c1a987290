import { configReference } from '../../device/config/reference.ts';
import { jsonText } from '../../device/messages/json-text.ts';
import { jsonSchemaOf, messageKinds } from '../../device/messages/messages.ts';
import { messagesPage } from '../../device/messages/page.ts';

/** Every file that is made from the schemas, by its path from the root of the repository. */
export function generatedFiles(): ReadonlyMap<string, string> {
  return new Map([
    ['device/config/REFERENCE.md', configReference()],
    ['device/messages/README.md', messagesPage()],
    ...messageKinds.map((kind): [string, string] => [
      `device/messages/${kind.name}.schema.json`,
      `${jsonText(jsonSchemaOf(kind))}\n`,
    ]),
  ]);
}
