/**
 * Who knows whom, as device/README.md draws it; `npm run architecture` checks it. Each folder of device/ names the others
 * that it may import, so that a new arrow is a decision and not an accident.
 */
export const mayImport = {
  platform: [],
  reading: [],
  detector: ['reading'],
  // Rules are made from the thresholds of the configuration, by its type alone (rules.ts).
  anomaly: ['reading', 'detector', 'config'],
  // The reference of the messages, generated from their schemas.
  messages: ['reading', 'anomaly'],
  // The schema takes severities, rules and name parts from the wire schemas, so that they are said once.
  config: ['reading', 'anomaly', 'platform'],
  // One connection to the nucleus, for whoever has to do with it.
  greengrass: ['platform'],
  secrets: ['greengrass', 'platform', 'config'],
  transport: ['greengrass', 'platform', 'config'],
  // The gateway listens on the transport's port; scenarios name the rules that they breach.
  sensor: ['reading', 'anomaly', 'platform', 'config', 'transport'],
  monitor: ['reading', 'detector', 'anomaly', 'sensor', 'transport', 'platform', 'config'],
  incident: ['reading', 'anomaly', 'platform', 'config', 'secrets'],
  // The relay carries out what the incident policy decides.
  outbox: ['incident', 'platform'],
  handler: ['reading', 'anomaly', 'incident', 'outbox', 'transport', 'platform', 'config'],
  // Health, metrics and pages read the status of all that runs, and change nothing.
  operations: ['reading', 'anomaly', 'monitor', 'handler', 'outbox', 'sensor', 'transport', 'platform', 'config'],
  doctor: [
    'reading',
    'anomaly',
    'monitor',
    'sensor',
    'incident',
    'greengrass',
    'secrets',
    'transport',
    'platform',
    'config',
  ],
  // Browser code of both pages, and what serves it; the console's page shares the contract of its API.
  pages: ['console', 'platform'],
  // The handler's page: it reads what the handler knows, and asks it to change something.
  console: [
    'reading',
    'anomaly',
    'incident',
    'outbox',
    'handler',
    'operations',
    'pages',
    'transport',
    'platform',
    'config',
  ],
  // Stands in for what is outside the device, so it knows the ports and nothing behind them.
  simulation: ['incident', 'transport', 'pages', 'platform'],
};

/** Composition roots name everything that ships. */
const roots = '^device/main/';

/** Tests and what only tests use: contract suites, harnesses, stages, made-up messages. (The doctor's test
 * incident is none of them.) */
const tests =
  '(\\.test|-contract|-harness|-stage)\\.ts$|/(test-(?!incident\\.)[^/]+|mosquitto|memory-bus)\\.ts$|^cloud/testing/';

/** Decisions: no disk, no network, no clock, no randomness; no package but zod. */
const pure = [
  'device/reading/',
  'device/detector/',
  'device/config/schema\\.ts',
  // identity.ts names a breach by a SHA-256, which is pure too, but comes with Node.
  'device/anomaly/(?!identity\\.ts)',
  'device/sensor/(compensation|plausibility)\\.ts',
  'device/sensor/i2c/(hts221|lps25h)\\.ts',
  'device/sensor/mock/(script|scenarios)\\.ts',
  'device/transport/(topic-filter|topics)\\.ts',
  'device/incident/(policy|silence|storm-guard|occurrence|destination|incident-row)\\.ts',
  'device/incident/texts/',
  // Draws what the option says.
  'device/incident/chart/(?!render-svg\\.ts|echarts-bundle)',
  'device/outbox/(entry|look-up|opening-cap)\\.ts',
  'device/handler/(roll-call|claim|device-watch)\\.ts',
  'device/console/(bucket|raw-ring|live-values|contract)\\.ts',
].map((path) => `^${path}`);

/** Policy that needs a hash or an error class, and nothing that it could not have in the cloud. */
const policy = ['device/anomaly/identity\\.ts', 'device/incident/texts\\.ts', 'device/outbox/(tell|logins)\\.ts'].map(
  (path) => `^${path}`,
);

/** The composition root of the cloud's opener: it names adapters of the device, as device/main does. */
const openerRoot = '^cloud/incident-events/opener\\.aws\\.ts$';

/** A vendor's package is imported by its adapter alone. */
const vendors = {
  // In cloud/ a file says by its name that it speaks to AWS: a handler (`.lambda.ts`) or an adapter (`.aws.ts`).
  '@aws-sdk/|@smithy/': ['device/secrets/secrets-manager.ts', 'cloud/.+\\.(lambda|aws)\\.ts', 'scripts/'],
  '@aws-lambda-powertools/': ['cloud/.+\\.(lambda|aws)\\.ts'],
  'aws-cdk-lib/|constructs/|cdk-nag/': ['cloud/', 'scripts/cloud/'],
  'aws-iot-device-sdk-v2/|aws-crt/': ['device/transport/iot-core', 'device/greengrass/nucleus-connection.ts'],
  'mqtt/': [
    'device/transport/mqtt',
    'device/doctor/',
    'scripts/(chaos|bench)/',
    'scripts/provision/claim-connection.ts',
  ],
  'axios/': ['device/incident/servicenow/http.ts', 'scripts/bench/edge/bare-poster.ts'],
  'libsql/': ['device/platform/(sqlite|data-lock).ts', 'scripts/chaos/processes/'],
  'koffi/': ['device/sensor/i2c/linux-bus.ts'],
  'csv-parse/': ['device/sensor/replay/', 'scripts/audit/'],
  'echarts/|zrender/': ['device/incident/chart/(render-svg|echarts-bundle)'],
  '@resvg/|dejavu-fonts-ttf/': ['device/incident/chart.ts'],
  'pino/|pino-pretty/': ['device/platform/logger.ts'],
  'prom-client/': ['device/operations/'],
  'p-limit/': ['device/outbox/relay.ts'],
  'yaml/': [
    ...['device/config/config-file.ts', 'scripts/provision/nucleus-config.ts'],
    'cloud/(greengrass/recipe|lambda-extensions/secrets-config|account-factory/configuration-file).ts',
  ],
  'aedes/|selfsigned/': ['device/simulation/'],
  'cheerio/|feedsmith/': ['cloud/content-aggregator/'],
  'sharp/|exif-reader/': ['cloud/storage-options/'],
  'fast-xml-parser/': ['device/simulation/servicenow/xml.ts', 'cloud/api-facade/table-format.ts'],
  'hono/|@hono/': ['device/simulation/servicenow/', 'device/operations/', 'cloud/api-facade/'],
  'cockatiel/': ['cloud/api-facade/circuit.ts'],
  'marked/': ['cloud/app-bundling/site/'],
  'preact/': ['device/pages/', 'cloud/api-facade/portal/'],
  'uplot/': ['device/pages/console/'],
  'esbuild/': ['device/pages/build.ts', 'cloud/shared/bundle.ts', 'scripts/'],
  'commander/|log-update/': ['scripts/', 'device/main/'],
};

/** Implementations of a port: chosen by kind, and loaded then. */
const adapters =
  '^device/(sensor/(mock|replay|iio|i2c|node-sense-hat|mqtt|auto)|transport/(mqtt|in-process|iot-core|greengrass-ipc)|secrets/(file|secrets-manager|greengrass))\\.ts$';

const folders = Object.keys(mayImport).join('|');

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...Object.entries(mayImport).map(([folder, others]) => ({
      name: `${folder}-imports-what-its-row-names`,
      severity: 'error',
      from: { path: `^device/${folder}/`, pathNot: tests },
      to: { path: '^(device|cloud|scripts)/', pathNot: `^device/(${[folder, ...others].join('|')})/` },
    })),
    {
      name: 'every-folder-of-device-is-in-the-table',
      comment: 'A new folder says in mayImport whom it knows.',
      severity: 'error',
      from: { path: '^device/[^/]+/', pathNot: `^device/(${folders}|main)/` },
      to: {},
    },
    {
      name: 'main-knows-what-ships',
      severity: 'error',
      from: { path: roots, pathNot: tests },
      to: { path: '^(device/simulation|cloud|scripts)/' },
    },
    {
      name: 'runtime-knows-only-platform',
      severity: 'error',
      from: { path: '^device/[^/]+\\.ts$', pathNot: tests },
      to: { path: '^(device|cloud|scripts)/', pathNot: '^device/(platform/|[^/]+\\.ts$)' },
    },
    {
      name: 'simulation-is-for-tests-and-scripts',
      severity: 'error',
      from: { path: '^(device|cloud)/', pathNot: ['^device/simulation/', tests] },
      to: { path: '^device/simulation/' },
    },
    {
      name: 'cloud-knows-only-wire-contracts-and-pure-policy',
      severity: 'error',
      from: { path: '^cloud/', pathNot: [tests, openerRoot] },
      to: { path: '^(device|scripts)/', pathNot: [...pure, ...policy] },
    },
    {
      name: 'rooms-know-each-other-by-contract',
      comment: 'What two rooms share stands in cloud/shared, or in the contract.ts of the one that says what it is.',
      severity: 'error',
      from: { path: '^cloud/([^/]+)/', pathNot: [tests, '^cloud/shared/'] },
      to: { path: '^cloud/[^/]+/', pathNot: ['^cloud/($1|shared)/', '/contract\\.ts$'] },
    },
    {
      name: 'handlers-need-no-cdk',
      comment: 'A handler is bundled with all that it reaches.',
      severity: 'error',
      from: { path: '^cloud/.+\\.lambda\\.ts$' },
      to: { path: 'node_modules/(aws-cdk-lib|constructs|cdk-nag|esbuild)/', reachable: true },
    },
    {
      name: 'contracts-are-pure',
      severity: 'error',
      from: { path: '^cloud/.+/contract\\.ts$' },
      to: { path: '^node_modules/|^cloud/', pathNot: ['^node_modules/zod/', '/contract\\.ts$'] },
    },
    {
      name: 'scripts-are-not-imported',
      severity: 'error',
      from: { path: '^(device|cloud)/' },
      to: { path: '^scripts/' },
    },
    {
      name: 'audit-knows-nothing-of-what-it-audits',
      severity: 'error',
      from: { path: '^scripts/audit/', pathNot: tests },
      to: { path: '^device/(detector|anomaly|outbox|incident|handler|monitor)/' },
    },
    {
      name: 'pure-needs-no-node',
      severity: 'error',
      from: { path: pure, pathNot: tests },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'pure-needs-no-package-but-zod',
      severity: 'error',
      from: { path: pure, pathNot: tests },
      to: { path: 'node_modules/', pathNot: 'node_modules/zod/' },
    },
    {
      name: 'pure-needs-no-platform',
      severity: 'error',
      from: { path: pure, pathNot: tests },
      to: { path: '^device/platform/' },
    },
    ...Object.entries(vendors).map(([packages, owners]) => ({
      name: `only-its-adapter-imports-${packages.replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-|-$/g, '')}`,
      severity: 'error',
      from: { pathNot: [tests, ...owners.map((owner) => `^${owner}`)] },
      to: { path: `node_modules/(${packages})` },
    })),
    {
      name: 'adapters-are-loaded-by-kind',
      comment: 'A static import would load what the adapter needs (native code, a cloud SDK) everywhere.',
      severity: 'error',
      from: { path: '^(device|cloud)/', pathNot: tests },
      to: { path: adapters, dynamic: false, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'adapters-are-chosen-in-one-place',
      severity: 'error',
      from: { path: '^(device|cloud)/', pathNot: [tests, roots, openerRoot, '^device/[a-z]+/create-[a-z]+\\.ts$'] },
      to: { path: adapters, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'servicenow-is-named-by-roots',
      severity: 'error',
      from: {
        path: '^(device|cloud)/',
        pathNot: [tests, roots, openerRoot, '^device/incident/servicenow/', '^device/doctor/'],
      },
      to: { path: '^device/incident/servicenow/' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'tests-are-not-imported',
      severity: 'error',
      from: {},
      to: { path: '\\.test\\.ts$' },
    },
    {
      name: 'what-ships-imports-no-test-support',
      severity: 'error',
      from: { path: '^(device|cloud)/', pathNot: tests },
      to: { path: tests },
    },
    {
      name: 'what-ships-needs-no-development-dependency',
      severity: 'error',
      // Pages are bundled in a checkout; packages hold them built.
      from: { path: '^device/', pathNot: [tests, '^device/simulation/', '^device/pages/build\\.ts$'] },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'every-import-resolves',
      severity: 'error',
      // node-sense-hat is an optional peer: it compiles, so it is installed only where it is wanted.
      from: { pathNot: '^device/sensor/node-sense-hat/child\\.mjs$' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    detectProcessBuiltinModuleCalls: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
  },
};
