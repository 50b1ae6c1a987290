import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { AppError, messageOf } from '../../device/platform/errors.ts';
import { type ClaimConnectionOptions, connectWithClaim, type Request } from './claim-connection.ts';

/**
 * Fleet provisioning by claim: a device that has nothing but a claim certificate, which its whole batch shares, gets a
 * certificate of its own for its own key.
 *
 * | state | ends with |
 * |---|---|
 * | connected by the claim | `create-from-csr` (or `create`) accepted: certificate and ownership token |
 * | certificate, pending | the template's `provision` accepted (the hook has agreed): thing, policy, active certificate |
 * | provisioned | connection closed; the claim is not used again |
 *
 * With a signing request (`CreateCertificateFromCsr`) the key never leaves the device. Without one AWS makes the key and
 * sends it (`CreateKeysAndCertificate`): for claims whose policy allows no more.
 * Source: AWS IoT Core Developer Guide, "Device provisioning MQTT API".
 */
export interface ClaimOptions extends ClaimConnectionOptions {
  template: string;
  /** Of the template: `{ SerialNumber: … }`. */
  parameters: Readonly<Record<string, string>>;
  /** The device's own; without it AWS makes the key. */
  csr?: string;
}

export interface ClaimedIdentity {
  certificate: string;
  certificateId: string;
  /** Only if AWS made it. */
  privateKey?: string;
  thing: string;
  /** What the template says to its devices. */
  configuration: Record<string, string>;
}

const certificateAnswer = z.object({
  certificateId: z.string().min(1),
  certificatePem: z.string().min(1).max(16_384),
  certificateOwnershipToken: z.string().min(1),
  privateKey: z.string().min(1).max(16_384).optional(),
});

const provisionAnswer = z.object({
  thingName: z.string().min(1).max(128),
  deviceConfiguration: z.record(z.string(), z.string()).default({}),
});

/** @throws AppError `claim-refused`, `claim-timeout`, `unreachable` */
export async function claimIdentity(options: ClaimOptions): Promise<ClaimedIdentity> {
  const connection = await connectWithClaim(options);
  try {
    const certificate = certificateAnswer.parse(
      await (options.csr === undefined
        ? connection.request(step('make a key and certificate', '$aws/certificates/create/json'), {})
        : connection.request(step('sign the device’s request', '$aws/certificates/create-from-csr/json'), {
            certificateSigningRequest: options.csr,
          })),
    );
    const provisioned = provisionAnswer.parse(
      await connection.request(
        step('provision the device', `$aws/provisioning-templates/${options.template}/provision/json`),
        { certificateOwnershipToken: certificate.certificateOwnershipToken, parameters: options.parameters },
      ),
    );
    return {
      certificate: certificate.certificatePem,
      certificateId: certificate.certificateId,
      ...(certificate.privateKey === undefined ? {} : { privateKey: certificate.privateKey }),
      thing: provisioned.thingName,
      configuration: provisioned.deviceConfiguration,
    };
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    throw new AppError(
      'claim-refused',
      `AWS IoT answered a claim with something else than its API says: ${z.prettifyError(error)}.`,
      {
        cause: error,
      },
    );
  } finally {
    await connection.close();
  }
}

function step(doing: string, topic: string): Request {
  return { doing, topic };
}

/**
 * The serial number that a Raspberry Pi carries (from the device tree, or an older kernel's cpuinfo).
 * @throws AppError `no-serial-number`
 */
export function serialNumberOfPi(files = { tree: '/proc/device-tree/serial-number', cpu: '/proc/cpuinfo' }): string {
  const tree = textOf(files.tree)?.replaceAll('\0', '').trim();
  if (tree !== undefined && tree !== '') return tree;
  const found = /^Serial\s*:\s*([0-9a-f]+)\s*$/im.exec(textOf(files.cpu) ?? '')?.[1];
  if (found !== undefined) return found;
  throw new AppError(
    'no-serial-number',
    'This machine names no serial number. Give it with --parameter SerialNumber=….',
  );
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** @throws AppError `unreadable` */
export function readPem(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new AppError('unreadable', `Cannot read the ${what} ${file}: ${messageOf(error)}.`, { cause: error });
  }
}
