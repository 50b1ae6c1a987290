import { z } from 'zod';
import { correlationId, type ProblemKind, plans, problem, problems } from './contract.ts';
import { type Operation, operations } from './operations.ts';

/** What every caller of a kind may meet. */
const problemsOfCaller: Record<Operation['caller'], readonly ProblemKind[]> = {
  key: ['forbidden', 'limit_exceeded', 'internal'],
  account: ['not_signed_in', 'limit_exceeded', 'internal'],
  nobody: ['limit_exceeded', 'internal'],
};

const securitySchemes = {
  key: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'Issued by the portal' },
  account: { type: 'apiKey', in: 'header', name: 'authorization', description: 'Id token of the portal' },
} as const;

/** The OpenAPI 3.1 document of the API, from the schemas that its requests are parsed with. */
export function openApiDocument(): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of operations) {
    const { path, method } = operation;
    paths[path] = { ...paths[path], [method.toLowerCase()]: operationObject(operation) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Incidents and readings',
      version: '1',
      description: `Incidents that devices and people open in ServiceNow, and what the devices measure. ${planText()}`,
    },
    // Relative to where this document is served.
    servers: [{ url: '.' }],
    paths,
    components: { securitySchemes, schemas: { Problem: jsonSchema(problem, 'output') } },
  };
}

function planText(): string {
  return Object.entries(plans)
    .map(([name, { requestsPerSecond, burst, requestsPerMonth, mayWrite }]) => {
      return `Plan ${name}: ${mayWrite ? 'reads and writes' : 'reads only'}, ${requestsPerSecond} requests a second, ${burst} at once, ${requestsPerMonth} a month.`;
    })
    .join(' ');
}

function operationObject(operation: Operation): Record<string, unknown> {
  const { id, summary, caller, pathParameters, query, headers, body, answer } = operation;
  const parameters = [
    ...parametersOf('path', pathParameters),
    ...parametersOf('query', query),
    ...parametersOf('header', headers),
    { in: 'header', name: 'x-correlation-id', required: false, schema: jsonSchema(correlationId, 'input') },
  ];
  return {
    operationId: id,
    summary,
    parameters,
    security: caller === 'nobody' ? [] : [{ [caller]: [] }],
    ...(body === undefined ? {} : { requestBody: { required: true, content: content(jsonSchema(body, 'input')) } }),
    responses: {
      [answer.status]: {
        description: answer.description,
        ...(answer.status === 204
          ? {}
          : { content: content(answer.body === undefined ? {} : jsonSchema(answer.body, 'output'), answer.media) }),
      },
      ...problemResponses([...operation.problems, ...problemsOfCaller[caller]]),
    },
  };
}

function parametersOf(place: 'path' | 'query' | 'header', schema: z.ZodObject | undefined): Record<string, unknown>[] {
  return Object.entries(schema?.shape ?? {}).map(([name, one]) => ({
    in: place,
    name,
    required: place === 'path' || !z.safeParse(one, undefined).success,
    schema: jsonSchema(z.instanceof(z.ZodType).parse(one), 'input'),
  }));
}

/** One response a status, as several problems may share it. */
function problemResponses(kinds: readonly ProblemKind[]): Record<string, unknown> {
  const statuses = new Set(kinds.map((kind) => problems[kind].status));
  return Object.fromEntries(
    [...statuses].map((status) => [
      status,
      {
        description: kinds
          .filter((kind) => problems[kind].status === status)
          .map((kind) => `${kind}: ${problems[kind].title}`)
          .join('; '),
        content: content({ $ref: '#/components/schemas/Problem' }, 'application/problem+json'),
      },
    ]),
  );
}

function content(schema: unknown, media = 'application/json'): Record<string, unknown> {
  return { [media]: { schema } };
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): unknown {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}
