import { accountVariables } from '../../../cloud/testing/account.ts';
import { chooseRooms } from '../../cloud/assembly.ts';
import { isInside } from '../../cloud/isolation.ts';
import { enterRun, prepareAndRunInside, startAndDeploy } from '../../cloud/local-run.ts';

/**
 * Sends 100,000 readings through the room stream-ingestion on a local account: the stored set has to be the sent one, with the
 * last writer of each key, at requests and time that do not grow. Writes scripts/bench/readings/measured.json, which `npm run
 * capacity` computes with: `npm run bench:readings`. Exit codes: 0 all held, 1 not.
 */
async function main(): Promise<number> {
  const { run, signal } = enterRun();
  const { account, outputsFile } = await startAndDeploy(run, chooseRooms(['stream-ingestion']), signal);
  Object.assign(process.env, account.env, {
    [accountVariables.outputs]: outputsFile,
    [accountVariables.folder]: run.folder,
  });
  // Clients of the SDK read the environment when they are loaded.
  const { measure } = await import('./measure.ts');
  return measure();
}

process.exit(isInside ? await main() : await prepareAndRunInside(import.meta.filename));
