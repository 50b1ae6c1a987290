import { z } from 'zod';
import { settings } from './contract.ts';

/** What AppConfig checks a new version by; it takes draft 4. */
export function settingsSchema() {
  return z.toJSONSchema(settings, { target: 'draft-4' });
}
