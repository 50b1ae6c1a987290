import { readFile, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { Command, InvalidArgumentError } from 'commander';
import { correlationKey, pictureId } from '../../cloud/storage-options/contract.ts';
import type { SigningKeys } from '../../cloud/testing/sign-request.ts';
import { loadConfig } from '../../device/config/load.ts';
import { createServiceNow } from '../../device/incident/servicenow/client.ts';
import { AppError, messageOf } from '../../device/platform/errors.ts';
import { createLogger } from '../../device/platform/logger.ts';
import { systemTime } from '../../device/platform/time.ts';
import { createSecrets } from '../../device/secrets/create-secrets.ts';
import { openRoomStack, type RoomStackOptions } from '../cloud/room-stack.ts';
import { table } from '../handler/table.ts';
import { addPicture, findPicture, mostLists } from './add-picture.ts';
import { attachPicture } from './attach-picture.ts';
import { createPicturesApi, type ListedPicture, type PicturesApi } from './pictures-api.ts';

process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

/** `npm run picture`: pictures of incidents, by the room storage-options. Exit codes: 0 done, 1 failed, 2 wrong use. */
const program = new Command('npm run picture --')
  .description('Pictures of incidents: uploads one, lists them, attaches them in ServiceNow.')
  .option('--stack <name>', 'stack of the room', 'StorageOptionsStack')
  .option('--account <id>', 'AWS account, by the credentials of the environment; without it the local account')
  .option('--region <name>', 'of the AWS account')
  .option('--config <file>', 'configuration of the handler, whose serviceNow and secrets are used')
  .option('--set <path=value>', 'one field of it; repeatable', (one, all: string[]) => [...all, one], [])
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

const incident = ['--incident <correlation_id>', 'of the incident, as ServiceNow has it', parseKey] as const;

program
  .command('add')
  .description('upload a picture for an incident, and wait until it is checked and resized')
  .argument('<file>', 'a JPEG; a PNG where the stack takes it')
  .requiredOption(...incident)
  .option('--attach', 'attach it to the incident in ServiceNow, too')
  .action(async (file: string, { incident: correlationId, attach }: { incident: string; attach?: true }) => {
    const bytes = await readPicture(file);
    const api = await openApi();
    const added = await addPicture({ correlationId, bytes }, { api, sleep, nowMs: Date.now });
    const { picture } = added;
    if (picture.status === 'FAILED') {
      throw new AppError('refused', `${picture.id} was refused, ${picture.reason}: ${picture.reasonDetail}`);
    }
    process.stdout.write(`${picture.id} ${picture.status}\n`);
    if (attach === true) await attachOne(added, api);
  });

program
  .command('list')
  .description('the pictures of an incident, newest first, with links of five minutes')
  .requiredOption(...incident)
  .action(async ({ incident: correlationId }: { incident: string }) => {
    const api = await openApi();
    let next: string | undefined;
    for (let lists = 0; lists < mostLists && (lists === 0 || next !== undefined); lists += 1) {
      const answer = await api.list(correlationId, next);
      next = answer.next;
      process.stdout.write(table(['id', 'status', 'offered', 'shown at'], answer.pictures.map(rowOf)));
    }
    if (next !== undefined) process.stderr.write('There are more; these are the newest.\n');
  });

program
  .command('attach')
  .description('attach a picture to its incident in ServiceNow; once, however often it is asked for')
  .argument('<id>', 'of the picture, as `list` has it', parseId)
  .requiredOption(...incident)
  .action(async (id: string, { incident: correlationId }: { incident: string }) => {
    const api = await openApi();
    const found = await findPicture(api, correlationId, id);
    if (found === undefined) throw new AppError('no-picture', `${correlationId} has no picture ${id}; see \`list\`.`);
    await attachOne(found, api);
  });

/** Bytes; what the room takes at most unless its stack says otherwise is 10 MB. */
const largestFile = 100_000_000;

async function readPicture(file: string): Promise<Buffer> {
  try {
    const { size } = await stat(file);
    if (size <= largestFile) return await readFile(file);
  } catch (error) {
    throw new AppError('no-picture', `Cannot read ${file}: ${messageOf(error)}.`);
  }
  throw new AppError('no-picture', `${file} is larger than ${largestFile / 1_000_000} MB. Send a smaller picture.`);
}

interface Options extends RoomStackOptions {
  config?: string;
  set: string[];
}

/** The API of the deployed room, with the roles that it has made for cameras and viewers. */
async function openApi(): Promise<PicturesApi> {
  const { where, output } = await openRoomStack(program.opts<Options>(), 'storage-options');
  const sts = new STSClient(where);
  const assume = async (roleArn: string): Promise<SigningKeys> => {
    const { Credentials: made } = await sts.send(
      new AssumeRoleCommand({ RoleArn: roleArn, RoleSessionName: sessionName() }),
    );
    const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken } = made ?? {};
    if (accessKeyId === undefined || secretAccessKey === undefined || sessionToken === undefined) {
      throw new AppError('refused', `AWS gave no keys for ${roleArn}.`);
    }
    return { accessKeyId, secretAccessKey, sessionToken };
  };
  // An hour long, so once is enough.
  const once = (roleArn: string) => {
    let keys: Promise<SigningKeys> | undefined;
    return () => {
      keys ??= assume(roleArn);
      return keys;
    };
  };
  return createPicturesApi({
    ...{ endpoint: output('Endpoint'), region: await sts.config.region() },
    ...{ camera: once(output('CameraRoleArn')), viewer: once(output('ViewerRoleArn')) },
  });
}

/** Who it was, in the log of the API. */
function sessionName(): string {
  return `picture-${userInfo().username.replaceAll(/[^\w+=,.@-]/g, '-')}`.slice(0, 64);
}

async function attachOne(picture: ListedPicture, api: PicturesApi): Promise<void> {
  const { config: file, set } = program.opts<Options>();
  const { config } = await loadConfig({ ...(file === undefined ? {} : { file }), env: process.env, set });
  const secrets = await createSecrets(config.secrets, { dataDir: config.store.dataDir, time: systemTime });
  const logger = createLogger({ level: 'warn', destination: 2 });
  const destination = createServiceNow(config.serviceNow, { secrets, logger, time: systemTime });
  try {
    const { number, name, before } = await attachPicture(picture, { api, destination });
    process.stdout.write(`${number} ${before ? 'has' : 'has got'} ${name}\n`);
  } finally {
    await destination.close();
  }
}

function rowOf({ picture, links }: ListedPicture): string[] {
  const { id, status, createdAt } = picture;
  const shown = status === 'FAILED' ? `${picture.reason}: ${picture.reasonDetail}` : (links?.scaled ?? '');
  return [id, status, createdAt, shown];
}

function parseKey(text: string): string {
  const parsed = correlationKey.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError('It is 1 to 100 characters without blanks, such as hall-2/press-4/temperature/upper.');
}

function parseId(text: string): string {
  const parsed = pictureId.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError('Give an id as `list` has it.');
}

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${messageOf(error)}\n`);
  const reason = error instanceof AppError ? error.reason : '';
  process.exitCode = ['wrong-use', 'bad-configuration'].includes(reason) ? 2 : 1;
});
