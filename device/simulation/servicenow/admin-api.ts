import { timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Accounts } from './accounts.ts';
import { type ApiAnswer, type ApiRequest, empty, json } from './api.ts';
import { type FaultControl, faultSchema } from './faults.ts';
import { parseJson } from './payload.ts';
import type { Properties } from './properties.ts';

export interface AdminApiDeps {
  token: string;
  faults: FaultControl;
  accounts: Accounts;
  properties: Properties;
}

const propertyChange = z.strictObject({ value: z.union([z.string(), z.boolean(), z.number()]).transform(String) });
const passwordChange = z.strictObject({ password: z.string().min(1).max(256) });

/**
 * What tests of whole processes drive, behind a bearer token: `GET|POST|DELETE /admin/faults`, `DELETE /admin/faults/:id`,
 * `POST /admin/users/:name/password`, `GET /admin/properties`, `PUT /admin/properties/:name`.
 */
export function createAdminApi({
  token,
  faults,
  accounts,
  properties,
}: AdminApiDeps): (request: ApiRequest) => ApiAnswer {
  return (request) => {
    if (!isAllowed(request.headers.get('authorization'), token)) {
      return problem(401, 'Send the admin token as "Authorization: Bearer …".', { 'WWW-Authenticate': 'Bearer' });
    }
    const [, area, name, property, ...rest] = request.path.split('/').slice(1).map(decoded);
    if (rest.length > 0 || area === undefined) return problem(404, `There is nothing at ${request.path}.`);
    if (area === 'faults' && property === undefined) return onFaults(request, name);
    if (area === 'properties' && property === undefined) return onProperties(request, name);
    if (area === 'users' && property === 'password' && name !== undefined && request.method === 'POST') {
      return onPassword(request, name);
    }
    return problem(404, `There is nothing at ${request.method} ${request.path}.`);
  };

  function onFaults(request: ApiRequest, id: string | undefined): ApiAnswer {
    switch (request.method) {
      case 'GET':
        return json(200, { faults: faults.list() });
      case 'POST': {
        const fault = faultSchema.safeParse(parseJson(request.body));
        return fault.success ? json(201, { id: faults.add(fault.data) }) : problem(400, z.prettifyError(fault.error));
      }
      case 'DELETE':
        if (id === undefined) faults.clear();
        else if (!faults.remove(id)) return problem(404, `There is no fault ${id}.`);
        return empty(204);
      default:
        return problem(405, `${request.method} is not for faults; use GET, POST or DELETE.`);
    }
  }

  function onProperties(request: ApiRequest, name: string | undefined): ApiAnswer {
    if (request.method === 'GET' && name === undefined) return json(200, { properties: properties.all() });
    if (request.method !== 'PUT' || name === undefined)
      return problem(405, 'Read them by GET /admin/properties; set one by PUT /admin/properties/NAME.');
    const change = propertyChange.safeParse(parseJson(request.body));
    if (!change.success) return problem(400, 'Send {"value": …}, a text, a number or true or false.');
    return properties.set(name, change.data.value)
      ? empty(204)
      : problem(404, `There is no property ${name}; there are ${Object.keys(properties.all()).join(', ')}.`);
  }

  function onPassword(request: ApiRequest, userName: string): ApiAnswer {
    const change = passwordChange.safeParse(parseJson(request.body));
    if (!change.success) return problem(400, 'Send {"password": "…"} with 1 to 256 characters.');
    return accounts.setPassword(userName, change.data.password)
      ? empty(204)
      : problem(404, `There is no user ${userName}.`);
  }
}

const problem = (status: number, message: string, headers: Record<string, string> = {}) =>
  json(status, { error: message }, headers);

function isAllowed(header: string | null, token: string): boolean {
  const given = Buffer.from(/^bearer\s+(\S+)$/i.exec(header ?? '')?.[1] ?? '');
  const wanted = Buffer.from(token);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function decoded(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}
