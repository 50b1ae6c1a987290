import { createServer, type IncomingMessage } from 'node:http';
import { nowMs } from './now.ts';

/**
 * A Table API that keeps its incidents in memory and answers at once, so that what is measured is its client. It knows
 * what a client of incidents asks: POST, PATCH, and lists by key, by record and by beginning of the key. Started as a
 * process of its own; speaks with the one that started it.
 */
export interface Received {
  /** Instants of arrival (`process.hrtime`, ms) by correlation id, in order. */
  arrivals: [key: string, atMs: number][];
}

export type ReceiverCommand = { ask: 'count' | 'take' | 'close' | 'open' };
export type ReceiverMessage =
  | { tell: 'listening'; port: number }
  | { tell: 'count'; created: number }
  | { tell: 'taken'; received: Received };

interface Incident {
  sysId: string;
  correlationId: string;
  fields: Record<string, string>;
  answer: string;
}

const bySysId = new Map<string, Incident>();
const byKey = new Map<string, Incident[]>();
let arrivals: Received['arrivals'] = [];
let created = 0;
let number = 0;

function stamp(): string {
  return new Date().toISOString().slice(0, 19).replace('T', ' ');
}

const shown = ['number', 'state', 'correlation_id', 'correlation_display', 'description', 'close_notes', 'urgency'];

function render(incident: Incident): void {
  const { sysId, fields } = incident;
  const record: Record<string, { value: string; display_value: string }> = {};
  for (const name of shown) record[name] = { value: fields[name] ?? '', display_value: fields[name] ?? '' };
  const now = fields['updated'] ?? '';
  const more = {
    ...{ sys_id: sysId, work_notes: fields['work_notes'] ?? '', assigned_to: '', assignment_group: '' },
    ...{ sys_created_on: fields['created'] ?? now, sys_updated_on: now, sys_updated_by: 'bench' },
    sys_mod_count: fields['mod'] ?? '0',
  };
  for (const [name, value] of Object.entries(more)) record[name] = { value, display_value: value };
  incident.answer = JSON.stringify(record);
}

function create(fields: Record<string, string>): Incident {
  number += 1;
  const now = stamp();
  const incident: Incident = {
    sysId: number.toString(16).padStart(32, '0'),
    correlationId: fields['correlation_id'] ?? '',
    fields: { state: '1', ...fields, number: `INC${String(number).padStart(7, '0')}`, created: now, updated: now },
    answer: '',
  };
  render(incident);
  bySysId.set(incident.sysId, incident);
  const same = byKey.get(incident.correlationId);
  if (same === undefined) byKey.set(incident.correlationId, [incident]);
  else same.push(incident);
  return incident;
}

function found(query: string): Incident[] {
  const rows = new Set<Incident>();
  for (const group of query.split('^ORDERBY')[0]?.split('^NQ') ?? []) {
    const [, name, list] = /^(correlation_id|sys_id)IN(.*)$/.exec(group) ?? [];
    for (const value of list?.split(',') ?? []) {
      const one = name === 'sys_id' ? [bySysId.get(value)] : (byKey.get(value) ?? []);
      for (const incident of one) if (incident !== undefined) rows.add(incident);
    }
    const prefix = /^stateNOT IN6,7,8\^correlation_idSTARTSWITH(.*)$/.exec(group)?.[1];
    if (prefix === undefined) continue;
    for (const incident of bySysId.values()) {
      if (rows.size >= 400) break;
      if (incident.correlationId.startsWith(prefix) && !['6', '7', '8'].includes(incident.fields['state'] ?? ''))
        rows.add(incident);
    }
  }
  return [...rows];
}

interface Answer {
  status: number;
  body: string;
}

const none: Answer = { status: 404, body: '{"error":{"message":"none"}}' };

function answerOf(request: IncomingMessage, body: string): Answer {
  const url = new URL(request.url ?? '', 'http://receiver');
  if (!url.pathname.startsWith('/api/now/table/incident')) return none;
  if (request.method === 'GET') {
    const limit = Number(url.searchParams.get('sysparm_limit') ?? 100);
    const rows = found(url.searchParams.get('sysparm_query') ?? '').slice(0, limit);
    return { status: 200, body: `{"result":[${rows.map((row) => row.answer).join()}]}` };
  }
  const fields: Record<string, string> = JSON.parse(body);
  if (request.method === 'POST') {
    const incident = create(fields);
    created += 1;
    arrivals.push([incident.correlationId, nowMs()]);
    return { status: 201, body: `{"result":${incident.answer}}` };
  }
  const incident = bySysId.get(url.pathname.split('/').at(-1) ?? '');
  if (incident === undefined) return none;
  Object.assign(incident.fields, fields, { updated: stamp(), mod: String(Number(incident.fields['mod'] ?? 0) + 1) });
  render(incident);
  return { status: 200, body: `{"result":${incident.answer}}` };
}

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { status, body } = answerOf(request, Buffer.concat(chunks).toString());
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    response.writeHead(status, headers).end(body);
  });
});
server.on('connection', (socket) => socket.setNoDelay(true));

function tell(message: ReceiverMessage): void {
  process.send?.(message);
}

let port = 0;
function open(): void {
  server.listen(port, '127.0.0.1', () => {
    const address = server.address();
    if (typeof address === 'object' && address !== null) port = address.port;
    tell({ tell: 'listening', port });
  });
}

process.on('message', ({ ask }: ReceiverCommand) => {
  if (ask === 'open') open();
  if (ask === 'close') {
    server.closeAllConnections();
    server.close();
    tell({ tell: 'count', created });
  }
  if (ask === 'count') tell({ tell: 'count', created });
  if (ask === 'take') {
    tell({ tell: 'taken', received: { arrivals } });
    arrivals = [];
  }
});
process.on('disconnect', () => process.exit(0));
open();
