import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { type Command, InvalidArgumentError } from 'commander';
import { defaultBucket, defaultNames, defaultRegion, type Names, type Place } from '../../cloud/greengrass/names.ts';
import { AppError } from '../../device/platform/errors.ts';
import type { Clients } from './clients.ts';

/** Options that say which names in which region; the account is that of the credentials. */
export interface PlaceOptions {
  region: string;
  thing: string;
  group: string;
  policy: string;
  role: string;
  roleAlias: string;
  secretName: string;
  bucket?: string;
}

export function withPlaceOptions(command: Command): Command {
  const text = (what: string, pattern: RegExp) => (value: string) => {
    if (pattern.test(value)) return value;
    throw new InvalidArgumentError(`That is no name of a ${what}.`);
  };
  const iotName = (what: string) => text(what, /^[A-Za-z0-9:_-]{1,128}$/);
  return command
    .option('--region <name>', 'AWS region', text('region', /^[a-z]{2}(-[a-z]+)+-\d$/), defaultRegion)
    .option('--thing <name>', 'thing, and Greengrass core device', iotName('thing'), defaultNames.thing)
    .option('--group <name>', 'thing group that is deployed to', iotName('thing group'), defaultNames.thingGroup)
    .option('--policy <name>', 'IoT policy of the device', text('policy', /^[\w+=,.@-]{1,128}$/), defaultNames.policy)
    .option('--role <name>', 'token exchange role', text('role', /^[\w+=,.@-]{1,64}$/), defaultNames.role)
    .option(
      '--role-alias <name>',
      'alias of that role',
      text('role alias', /^[\w=,@-]{1,128}$/),
      defaultNames.roleAlias,
    )
    .option('--secret-name <name>', 'secret', text('secret', /^[\w/+=.@-]{1,256}$/), defaultNames.secret)
    .option(
      '--bucket <name>',
      'bucket for artifacts (default: iot-blog-artifacts-<account>-<region>)',
      text('bucket', /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/),
    );
}

export function namesOf(options: PlaceOptions, place: Place): Names {
  return {
    thing: options.thing,
    thingGroup: options.group,
    policy: options.policy,
    role: options.role,
    roleAlias: options.roleAlias,
    secret: options.secretName,
    bucket: options.bucket ?? defaultBucket(place),
  };
}

/** @throws AppError of `awsError`: this is the first call, so missing credentials are told here */
export async function placeOf({ sts }: Clients, region: string): Promise<Place> {
  const { Account } = await sts.send(new GetCallerIdentityCommand({}));
  if (Account === undefined) throw new AppError('aws-refused', 'AWS does not say whose credentials these are.');
  return { account: Account, region };
}

export function parseLimit(text: string): number {
  const value = Number(text);
  if (/^-?\d+(\.\d+)?$/.test(text) && Number.isFinite(value)) return value;
  throw new InvalidArgumentError('Give a number, such as 30 or 27.5.');
}

/** The instance's Table API, as the components' configuration takes it. */
export function parseSnowUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const expected = 'Give https://devXXXXX.service-now.com/api/now/table/incident.';
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new InvalidArgumentError(`That is no URL. ${expected}`);
  if (url.username !== '' || url.password !== '') {
    throw new InvalidArgumentError(`It holds a user or password: they belong into the secret. ${expected}`);
  }
  if (url.search !== '' || url.hash !== '') throw new InvalidArgumentError(`It must end with the table. ${expected}`);
  return text;
}

/** `SerialNumber=00000000abcd`, repeatable. */
export function parseParameter(text: string, before: Record<string, string>): Record<string, string> {
  const [, name, value] = /^([A-Za-z][\w:]{0,127})=(.{1,512})$/.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError('Give NAME=VALUE.');
  return { ...before, [name]: value };
}
