import { readFileSync } from 'node:fs';
import { AppError } from '../../device/platform/errors.ts';
import { bundleFacts } from './bundle.ts';
import { claimIdentity, readPem, serialNumberOfPi } from './claim.ts';
import { makeIdentity, writeKey } from './identity.ts';
import { type InstalledFor, install, nextCommands, type PlacedFile } from './install.ts';
import { amazonRootCa, rootCaIn } from './root-ca.ts';

export interface ClaimCommandOptions {
  claim: string;
  claimKey: string;
  endpoint: string;
  credentialsEndpoint: string;
  template: string;
  parameter: Record<string, string>;
  region: string;
  roleAlias: string;
  rootCa?: string;
  /** AWS makes the key and sends it. */
  keyFromAws: boolean;
  keys: string;
  target: string;
  nucleus: InstalledFor;
}

const timeoutMs = 30_000;

/**
 * `--claim`: key and signing request are made here, signed through the template, and put in place as `install` does.
 * @throws AppError `incomplete`, and those of its parts
 */
export async function claim(
  options: Partial<ClaimCommandOptions>,
  { nowMs, print }: { nowMs: number; print: (line: string) => void },
): Promise<{ placed: PlacedFile[]; next: string[] }> {
  const all = complete(options);
  const { keys, target, nucleus, endpoint } = all;
  const rootCa = all.rootCa === undefined ? amazonRootCa() : rootCaIn(all.rootCa);
  const parameters =
    'SerialNumber' in all.parameter ? all.parameter : { ...all.parameter, SerialNumber: serialNumberOfPi() };
  const serial = parameters['SerialNumber'] ?? '';
  const csr = all.keyFromAws ? undefined : await ownRequest(keys, serial, print);
  const claimed = await claimIdentity({
    endpoint,
    rootCa,
    claimCertificate: readPem(all.claim, 'claim certificate'),
    claimKey: readPem(all.claimKey, 'key of the claim certificate'),
    clientId: `claim-${serial}`,
    template: all.template,
    parameters,
    ...(csr === undefined ? {} : { csr }),
    timeoutMs,
  });
  if (claimed.privateKey !== undefined) writeKey(keys, claimed.privateKey);
  print(`This device is the thing ${claimed.thing}; its certificate is ${claimed.certificateId.slice(0, 12)}….`);
  const facts = bundleFacts.safeParse({
    format: 1,
    thing: claimed.thing,
    region: all.region,
    roleAlias: all.roleAlias,
    dataEndpoint: endpoint,
    credentialsEndpoint: all.credentialsEndpoint,
  });
  if (!facts.success) {
    throw new AppError(
      'incomplete',
      `What the nucleus is to be told cannot be: ${facts.error.issues[0]?.path.join('.')}.`,
    );
  }
  const bundle = { certificate: claimed.certificate, rootCa, facts: facts.data };
  return {
    placed: install(bundle, { keys, target, nucleus, nowMs }),
    next: nextCommands({ keys, target, nucleus }, facts.data),
  };
}

async function ownRequest(keys: string, name: string, print: (line: string) => void): Promise<string> {
  const { keyFile, csrFile, kept } = await makeIdentity(keys, name, { force: false });
  print(`${kept ? 'Kept' : 'Made'}  ${keyFile}  (private key, mode 0600: it stays here)`);
  return readFileSync(csrFile, 'utf8');
}

function complete(options: Partial<ClaimCommandOptions>): ClaimCommandOptions {
  const { claim: certificate, claimKey, endpoint, credentialsEndpoint, template } = options;
  const needed = { '--claim': certificate, '--claim-key': claimKey, '--endpoint': endpoint };
  const rest = { '--credentials-endpoint': credentialsEndpoint, '--template': template };
  const missing = Object.entries({ ...needed, ...rest }).flatMap(([name, value]) =>
    value === undefined ? [name] : [],
  );
  if (
    certificate === undefined ||
    claimKey === undefined ||
    endpoint === undefined ||
    credentialsEndpoint === undefined ||
    template === undefined
  ) {
    throw new AppError(
      'incomplete',
      `--claim wants ${missing.join(', ')} too. The stack’s output TemplateName names the template, aws iot describe-endpoint the endpoints; the claim certificate comes with the batch.`,
    );
  }
  return {
    parameter: {},
    region: 'eu-west-1',
    roleAlias: 'IoTGGRoleAlias',
    keys: 'certs',
    target: '/greengrass/v2',
    nucleus: 'classic',
    keyFromAws: false,
    ...options,
    claim: certificate,
    claimKey,
    endpoint,
    credentialsEndpoint,
    template,
  };
}
