import { fieldAt } from '../config/fields.ts';
import type { ConfigurationStatus } from '../config/in-force.ts';
import { formatPath, type Path } from '../config/path.ts';
import type { Config } from '../config/schema.ts';
import type { ConfigurationInForce } from './contract.ts';

export interface GivenConfiguration {
  config: Config;
  status: () => ConfigurationStatus;
}

const longestValue = 300;

/** Every field in force. No field takes a secret; what people put into a URL all the same is not shown. */
export function configurationInForce({ config, status }: GivenConfiguration): ConfigurationInForce {
  const { version, origin, sinceMs, refused } = status();
  const fields: ConfigurationInForce['fields'] = [];

  function walk(value: unknown, path: Path): void {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      for (const [name, child] of Object.entries(value)) walk(child, [...path, name]);
      return;
    }
    if (value === undefined) return;
    const text = formatPath(path);
    const field = fieldAt(path);
    fields.push({
      path: text,
      value: shown(value),
      unit: field?.unit ?? '',
      layer: origin(text),
      description: field?.description ?? '',
    });
  }

  walk(config, []);
  return { version, sinceMs, refused: refused ?? null, fields };
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const harmless = text.replace(/(\b[a-z][a-z0-9+.-]*:\/\/)[^/?#\s"@]*@/gi, '$1…@');
  return harmless.length > longestValue ? `${harmless.slice(0, longestValue)}…` : harmless;
}
