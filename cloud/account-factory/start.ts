import type { Catalogue } from './catalogue.ts';
import { productsOf, readConfigurationFile, readUpdateFile } from './configuration-file.ts';
import type { BaselineDocument, FactoryEvent, ParkingReason, UpdateFile } from './contract.ts';
import { type Notice, refusedNotice } from './notices.ts';
import { isRefusedForGood } from './refused-for-good.ts';
import { type ProductRequest, resolve } from './resolve.ts';
import { extendedConstraint, type StackSetRoles } from './stack-set-constraint.ts';

export type StoredFile =
  | { kind: 'file'; text: string; version: string }
  | { kind: 'absent' }
  | { kind: 'too-large'; version: string };

export interface StartPorts {
  files: {
    /** @param versionId the newest where it is not given. */
    read(key: string, versionId?: string): Promise<StoredFile>;
  };
  catalogue: Catalogue;
  organization: {
    /** Accounts that lie directly in the units of these names, at any depth; by name. Undefined: none, or several are called so. */
    accountsOf(units: readonly string[]): Promise<ReadonlyMap<string, readonly string[] | undefined>>;
  };
  machine: {
    /** Whether an execution of that name was started, ended or not. */
    exists(name: string): Promise<boolean>;
    /** @returns false where an execution of that name was started before. */
    start(name: string, document: BaselineDocument): Promise<boolean>;
  };
  notify(notice: Notice): Promise<void>;
  /** Of a text, 20 characters: letters and digits. */
  digestOf(text: string): string;
}

export interface StartSettings {
  bucket: string;
  configurationKey: string;
  updateKey: string;
  maxIterations: number;
  masterAccount: string;
  stackSetRoles: StackSetRoles;
}

/** What became of an event. */
export type Taken =
  | { kind: 'started'; executions: number; existed: number }
  /** Nothing is to be done: no product for that account, or a configuration that is as it should be. */
  | { kind: 'nothing-to-do' }
  /** An object that is neither file. */
  | { kind: 'ignored' }
  | { kind: 'parked'; reason: ParkingReason; detail: string };

/** Bytes. Larger input is not taken by Step Functions (256 KB), with room for what the steps add. */
const largestDocument = 150_000;

/**
 * A new account's products by `config.yml`, or what `update.yml` asks for: validated, let into their accounts, and a state
 * machine started for each account. Where anything of it cannot be, nothing is started and the topic is told why. What AWS
 * refuses for good is parked and told too, as events behind it wait.
 * @throws Error for what a retry or a person can cure.
 */
export async function takeEvent(event: FactoryEvent, ports: StartPorts, settings: StartSettings): Promise<Taken> {
  try {
    return await take(event, ports, settings);
  } catch (error) {
    if (!isRefusedForGood(error)) throw error;
    const origin = event.kind === 'account-created' ? `account ${event.account}` : event.key;
    return refuse(origin, [`AWS refused it: ${String(error).slice(0, 1_000)}`], 'refused', ports);
  }
}

async function take(event: FactoryEvent, ports: StartPorts, settings: StartSettings): Promise<Taken> {
  if (event.kind === 'account-created') return takeAccount(event, ports, settings);
  if (event.bucket !== settings.bucket) return { kind: 'ignored' };
  if (event.key === settings.updateKey) return takeUpdate(event, ports, settings);
  return event.key === settings.configurationKey ? checkConfiguration(event, ports) : { kind: 'ignored' };
}

type Uploaded = Extract<FactoryEvent, { kind: 'file-uploaded' }>;

async function takeAccount(
  { account, organizationalUnit }: Extract<FactoryEvent, { kind: 'account-created' }>,
  ports: StartPorts,
  settings: StartSettings,
): Promise<Taken> {
  const key = settings.configurationKey;
  const read = await readText(key, undefined, ports);
  if (!read.ok) return read.parked;
  const parsed = readConfigurationFile(read.text);
  if (!parsed.ok) return refuse(read.origin, parsed.problems, 'bad-configuration', ports);
  const requests = productsOf(parsed.value, organizationalUnit).map(
    (product): ProductRequest => ({ account, product, deployIfNotExist: true }),
  );
  return startAll(requests, { ...read, maxIterations: parsed.value.max_iterations }, ports, settings);
}

async function takeUpdate(event: Uploaded, ports: StartPorts, settings: StartSettings): Promise<Taken> {
  const read = await readText(event.key, event.versionId, ports);
  if (!read.ok) return read.parked;
  const parsed = readUpdateFile(read.text);
  if (!parsed.ok) return refuse(read.origin, parsed.problems, 'bad-configuration', ports);
  const units = [...new Set(parsed.value.products.flatMap(({ organization_units }) => organization_units))];
  const accounts = units.length === 0 ? new Map() : await ports.organization.accountsOf(units);
  const unknown = units.filter((unit) => accounts.get(unit) === undefined);
  if (unknown.length > 0) {
    const says = unknown.map((unit) => `There is no organisational unit "${unit}", or more than one is called so.`);
    return refuse(read.origin, says, 'refused', ports);
  }
  // Without versions the same file may be uploaded again, and is meant to count again.
  const version = event.versionId ?? `${read.version}-${event.sequencer}`;
  const requests = requestsOf(parsed.value, accounts);
  return startAll(requests, { ...read, version, maxIterations: parsed.value.max_iterations }, ports, settings);
}

function requestsOf(
  { products }: UpdateFile,
  accountsOf: ReadonlyMap<string, readonly string[] | undefined>,
): ProductRequest[] {
  return products.flatMap(({ accounts, organization_units, deployifnotexist: deployIfNotExist, ...product }) =>
    [...new Set([...accounts, ...organization_units.flatMap((unit) => accountsOf.get(unit) ?? [])])].map((account) => ({
      ...{ account, product, deployIfNotExist },
    })),
  );
}

/** A configuration is looked at when it is uploaded, not only when the next account is there. */
async function checkConfiguration(event: Uploaded, ports: StartPorts): Promise<Taken> {
  const read = await readText(event.key, event.versionId, ports);
  if (!read.ok) return read.parked;
  const parsed = readConfigurationFile(read.text);
  return parsed.ok ? { kind: 'nothing-to-do' } : refuse(read.origin, parsed.problems, 'bad-configuration', ports);
}

interface ReadText {
  ok: true;
  text: string;
  key: string;
  version: string;
  origin: string;
}

async function readText(
  key: string,
  versionId: string | undefined,
  ports: StartPorts,
): Promise<ReadText | { ok: false; parked: Taken }> {
  const stored = await ports.files.read(key, versionId);
  if (stored.kind === 'file') {
    const { text, version } = stored;
    return { ok: true, text, key, version, origin: `${key}, version ${version}` };
  }
  const [reason, says] =
    stored.kind === 'absent'
      ? (['no-file', 'is not in the configuration bucket'] as const)
      : (['bad-configuration', 'is too large'] as const);
  return { ok: false, parked: await refuse(key, [`${key} ${says}.`], reason, ports) };
}

async function startAll(
  requests: readonly ProductRequest[],
  { key, version, origin, maxIterations }: Omit<ReadText, 'ok' | 'text'> & { maxIterations: number },
  ports: StartPorts,
  settings: StartSettings,
): Promise<Taken> {
  const nameOf = (account: string) =>
    `control-tower-account-factory-execution-${account}-${ports.digestOf(`${key} ${version}`)}`;
  // Those that an earlier try has started are not looked up again: what they deploy would contradict the file by now.
  const known = new Set<string>();
  for (const account of new Set(requests.map((request) => request.account))) {
    if (await ports.machine.exists(nameOf(account))) known.add(account);
  }
  const open = requests.filter(({ account }) => !known.has(account));
  const resolved = await resolve(open, ports.catalogue, {
    ...{ origin, masterAccount: settings.masterAccount },
    maxIterations: maxIterations === 0 ? settings.maxIterations : maxIterations,
  });
  if (!resolved.ok) return refuse(origin, resolved.refusals, 'refused', ports);
  const large = resolved.documents.find((document) => Buffer.byteLength(JSON.stringify(document)) > largestDocument);
  if (large !== undefined) {
    const says = `What account ${large.account} is to have is larger than ${largestDocument} bytes: split the file.`;
    return refuse(origin, [says], 'refused', ports);
  }
  const refusals = await letInto(resolved.documents, ports.catalogue, settings);
  if (refusals.length > 0) return refuse(origin, refusals, 'refused', ports);
  let executions = 0;
  let existed = known.size;
  for (const document of resolved.documents) {
    if (await ports.machine.start(nameOf(document.account), document)) executions += 1;
    else existed += 1;
  }
  return executions + existed === 0 ? { kind: 'nothing-to-do' } : { kind: 'started', executions, existed };
}

/**
 * Lets products into the accounts and regions of the documents, a constraint for each product of a portfolio. Read and
 * written without a lock: the queue has one group, so that nobody else does so meanwhile.
 */
async function letInto(
  documents: readonly BaselineDocument[],
  catalogue: Catalogue,
  { stackSetRoles }: StartSettings,
): Promise<string[]> {
  const ordered = documents.flatMap(({ account, provision_products, update_products }) =>
    [...provision_products, ...update_products].map((product) => ({ account, ...product })),
  );
  const refusals: string[] = [];
  const changes: (() => Promise<void>)[] = [];
  for (const key of new Set(ordered.map(keyOf))) {
    const own = ordered.filter((one) => keyOf(one) === key);
    const [first] = own;
    if (first === undefined) continue;
    const { portfolio_id, product_id } = first;
    const constraints = await catalogue.constraintsOf(portfolio_id, product_id);
    const present = constraints.find(({ type }) => type === 'STACKSET');
    const targets = { accounts: own.map(({ account }) => account), regions: own.flatMap(({ regions }) => regions) };
    let parameters: string | undefined;
    try {
      parameters = extendedConstraint(present?.parameters, targets, stackSetRoles);
    } catch {
      refusals.push(`The stack set constraint ${present?.id} of "${first.product_name}" is none that is known here.`);
      continue;
    }
    // A product cannot have both.
    for (const { id } of constraints.filter(({ type }) => type === 'LAUNCH')) {
      changes.push(() => catalogue.deleteConstraint(id));
    }
    if (parameters === undefined) continue;
    const extended = parameters;
    changes.push(() =>
      present === undefined
        ? catalogue.createStackSetConstraint(portfolio_id, product_id, extended)
        : catalogue.updateConstraint(present.id, extended),
    );
  }
  // All or nothing.
  if (refusals.length === 0) for (const change of changes) await change();
  return refusals;
}

const keyOf = ({ portfolio_id, product_id }: { portfolio_id: string; product_id: string }) =>
  JSON.stringify([portfolio_id, product_id]);

async function refuse(
  origin: string,
  problems: readonly unknown[],
  reason: ParkingReason,
  { notify }: Pick<StartPorts, 'notify'>,
): Promise<Taken> {
  await notify(refusedNotice(origin, problems));
  return { kind: 'parked', reason, detail: JSON.stringify(problems) };
}
