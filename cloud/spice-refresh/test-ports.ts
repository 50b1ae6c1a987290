import { type DataSet, jobStateChange, type RefreshRequest, refreshRequest } from './contract.ts';
import type { Answer, RefreshState } from './refresh.ts';
import type { TakePorts } from './take-messages.ts';

export const jobName = 'TaxiTransformationGlueJob';
export const manifestText = JSON.stringify({ rawKey: 'raw/a.csv', rowsIn: 2, rowsOut: 1, rowsRejected: 1, files: [] });

/** What EventBridge sends of a run; it ended before the clock of `testPorts`. */
export function jobEnded(detail: Record<string, unknown> = {}): string {
  return JSON.stringify({
    ...{ source: 'aws.glue', 'detail-type': jobStateChange, time: '1970-01-01T00:00:00Z' },
    detail: {
      jobName,
      jobRunId: 'jr_1',
      state: 'SUCCEEDED',
      severity: 'INFO',
      message: 'Job run succeeded',
      ...detail,
    },
  });
}

interface Ingestion {
  dataSetId: string;
  ingestionId: string;
  type: DataSet['ingestionType'];
}

interface TestWorld {
  /** Of every job: ids, nothing, or a row that does not fit. */
  dataSets?: readonly string[] | undefined | { invalid: string };
  manifest?: { text: string; writtenMs: number } | undefined;
  answer?(ingestion: Ingestion): Answer;
}

/** Ports over memory; the clock stands at 1 s and the run began at 0. */
export function testPorts(world: TestWorld = {}) {
  const {
    dataSets,
    manifest,
    answer = () => ({ kind: 'accepted' }),
  } = {
    ...{ dataSets: ['rides'], manifest: { text: manifestText, writtenMs: 500 } },
    ...world,
  };
  const stored = new Map<string, RefreshState>();
  const ingestions: Ingestion[] = [];
  const sent: { request: RefreshRequest; delayMs: number }[] = [];
  const clock = { ms: 1_000 };
  const ports: TakePorts = {
    map: {
      async dataSetsOf() {
        if (dataSets === undefined || 'invalid' in dataSets) return dataSets;
        return dataSets.map((dataSetId) => ({ dataSetId, ingestionType: 'FULL_REFRESH', minIntervalMinutes: 0 }));
      },
    },
    runs: { run: async () => ({ rawKey: 'raw/a.csv', startedMs: 0 }) },
    outputs: { manifestOf: async () => manifest },
    states: {
      read: async (dataSetId) => stored.get(dataSetId) ?? { starts: [], version: 0 },
      async write(dataSetId, next) {
        if ((stored.get(dataSetId)?.version ?? 0) !== next.version - 1) return false;
        stored.set(dataSetId, next);
        return true;
      },
    },
    quickSight: {
      async createIngestion(ingestion) {
        ingestions.push(ingestion);
        return answer(ingestion);
      },
    },
    queue: {
      async send(request, delayMs) {
        sent.push({ request: refreshRequest.parse(JSON.parse(JSON.stringify(request))), delayMs });
      },
    },
    parking: { park: async () => {} },
    now: () => clock.ms,
  };
  return { ...ports, stored, ingestions, sent, clock };
}
