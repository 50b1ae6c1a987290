import { readFileSync } from 'node:fs';
import { AppError } from '../../device/platform/errors.ts';
import { bundleFacts } from './bundle.ts';
import { claimIdentity, readPem, serialNumberOfPi } from './claim.ts';
import { makeIdentity, writeKey } from './identity.ts';
import { checkWritable, type InstalledFor, install, nextCommands, type PlacedFile } from './install.ts';
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
 * `--claim`: key and signing request are made here, signed through the template, and put in place as `install` does. What
 * can be checked is checked before, for a claim that comes to nothing may be counted.
 * @throws AppError `incomplete`, and those of its parts
 */
export async function claim(
  options: Partial<ClaimCommandOptions>,
  { nowMs, print }: { nowMs: number; print: (line: string) => void },
): Promise<{ placed: PlacedFile[]; next: string[] }> {
  const all = complete(options);
  const { keys, target, nucleus, endpoint } = all;
  const place = placeIn(all);
  checkWritable(nucleus === 'none' ? [keys] : [keys, target]);
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
  const facts = bundleFacts.parse({ ...place, thing: claimed.thing });
  const bundle = { certificate: claimed.certificate, rootCa, facts };
  return {
    placed: install(bundle, { keys, target, nucleus, nowMs }),
    next: nextCommands({ keys, target, nucleus }, facts),
  };
}

/** The options that become a part of the nucleus's configuration, by the fields there. */
const optionOf: Readonly<Record<string, string>> = {
  region: '--region NAME, such as eu-west-1',
  roleAlias: '--role-alias NAME',
  dataEndpoint: '--endpoint HOST, without https://',
  credentialsEndpoint: '--credentials-endpoint HOST, without https://',
};

/** @throws AppError `incomplete` */
function placeIn({ region, roleAlias, endpoint, credentialsEndpoint }: ClaimCommandOptions) {
  const place = bundleFacts
    .omit({ thing: true })
    .safeParse({ format: 1, region, roleAlias, dataEndpoint: endpoint, credentialsEndpoint });
  if (place.success) return place.data;
  const wrong = place.error.issues.map(({ path }) => optionOf[path.join('.')] ?? path.join('.'));
  throw new AppError('incomplete', `This cannot be: give ${wrong.join('; and ')}.`);
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
