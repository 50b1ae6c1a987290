/** Columns of the report of `npm run test:cloud`. */
export const cells = ['synth', 'nag', 'deployed', 'triggered', 'effect', 'rights'] as const;
export type Cell = (typeof cells)[number];

export interface Gap {
  /** The probe's test is called `probe: <id>`: it holds as long as the account lacks it, and fails when it no longer does. */
  id: string;
  /** What the local account cannot do, and so no test on it can show. */
  reason: string;
  /** Room and columns that stay open for it. */
  room: string;
  cells: readonly Cell[];
}

/** All that may be open in the report. Where a probe fails, its entry goes and a test of the real thing comes. */
export const gaps: readonly Gap[] = [
  {
    id: 'amazon-mq-mapping',
    reason: 'Lambda polls no Amazon MQ broker: the poller is our own, on a real ActiveMQ',
    ...{ room: 'mq-consumer', cells: ['triggered'] },
  },
  {
    id: 'waf-data-plane',
    reason:
      'no request passes through a web ACL, also none to a CloudFront distribution, which does serve: its log record is put into the stream, and its rule runs on a model',
    ...{ room: 'fake-bot-blocker', cells: ['triggered'] },
  },
  {
    id: 'service-catalog-provisioning',
    reason: 'no product is ever provisioned: a stand-in answers for it, and moto keeps portfolios',
    ...{ room: 'account-factory', cells: ['effect'] },
  },
  {
    id: 'quicksight-ingestion-status',
    reason: 'an ingestion stays INITIALIZED and cannot be described; moto keeps it',
    ...{ room: 'spice-refresh', cells: ['effect'] },
  },
  {
    id: 'privatelink-network',
    reason: 'subnets and interface endpoints are records, nothing is routed through them',
    ...{ room: 'lambda-privatelink', cells: ['effect'] },
  },
  {
    id: 'efs-mount',
    reason: 'functions get no file system mounted',
    ...{ room: 'storage-options', cells: ['effect'] },
  },
  {
    id: 'dms',
    reason: 'no replication task moves a row; the room has it as a template',
    ...{ room: 'student-data-lake', cells: ['effect'] },
  },
  {
    id: 'redshift',
    reason: 'no cluster takes SQL; the room has it as a template',
    ...{ room: 'student-data-lake', cells: ['effect'] },
  },
];
