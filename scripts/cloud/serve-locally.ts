import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { accountVariables } from '../../cloud/testing/account.ts';
import { chooseRooms } from './assembly.ts';
import { enterRun, localRegion, startAndDeploy } from './local-run.ts';

const tries = [
  'aws cloudformation describe-stacks --query "Stacks[].StackName"',
  'aws lambda list-functions --query "Functions[].FunctionName"',
  'aws dynamodb list-tables',
  `aws iot-data publish --topic IoTBlog/sensorData --payload fileb://<(echo '{"hello":1}')`,
  'aws logs describe-log-groups --query "logGroups[].logGroupName"',
];

/** Inside: the account with everything deployed, for a person to look around in, until the run is ended. */
export async function serveLocally(room: readonly string[]): Promise<never> {
  const { run, signal } = enterRun();
  const { account, rooms, outputsFile } = await startAndDeploy(run, chooseRooms(room), signal);
  const environmentFile = join(run.folder, 'environment.sh');
  const lines = Object.entries({
    ...account.env,
    [accountVariables.outputs]: outputsFile,
    [accountVariables.folder]: run.folder,
  })
    .filter(([name]) => name !== 'HOME')
    .map(([name, value]) => `export ${name}='${value}'\n`);
  writeFileSync(environmentFile, lines.join(''));
  // The machine's /proc is mounted here as well, and gives the process id as the machine has it.
  const pid = readlinkSync('/proc/self');
  console.log(`
The account is up in ${localRegion}, with ${rooms.map(({ name }) => name).join(', ') || 'no room'}. Outputs of the stacks:
${readFileSync(outputsFile, 'utf8').trim()}

It has a network of its own. In another terminal, in this folder, enter it and take its environment:
  nsenter --target ${pid} --user --net --preserve-credentials bash
  source ${environmentFile}
Then try, with the AWS CLI:
${tries.map((line) => `  ${line}`).join('\n')}
or run a test against it as it stands, the rooms not deployed anew:
  npx vitest run --config vitest.cloud.config.ts cloud/${rooms[0]?.name ?? 'testing'}/
Devices connect with mutual TLS to 127.0.0.1:8883. Log of the account: ${account.logFiles.account}
Ctrl-C ends it; nothing of it stays.`);
  return new Promise(() => {
    // The processes of the account do not keep this one; the signal ends it.
    setInterval(() => {}, 60_000);
  });
}
