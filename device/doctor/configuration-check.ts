import type { KeptConfiguration, KeptRead } from '../config/last-good.ts';
import { type Check, type Finding, fail, ok, skip, warn } from './check.ts';

/** What a component kept in this data directory of its deployments' configurations. */
export interface KeptHere {
  component: string;
  path: string;
  read: KeptRead;
}

/** Whether the deployment's latest configuration is the one that is in force; what is refused is told here, too. */
export function configurationChecks(kept: readonly KeptHere[]): Check[] {
  const [first, ...others] = kept.filter(({ read }) => !read.ok || isTold(read.kept));
  if (first === undefined) {
    return [
      {
        name: 'deployment',
        topic,
        run: () => skip('no Greengrass deployment has configured what keeps its data here'),
      },
    ];
  }
  return [first, ...others].map((one) => ({ name: `deployment of ${one.component}`, topic, run: () => look(one) }));
}

const topic = 'Configuration';

function isTold({ lastGood, refused }: KeptConfiguration): boolean {
  return lastGood !== null || refused !== null;
}

function look({ path, read }: KeptHere): Finding {
  if (!read.ok) return warn(`${path} ${read.flaw}`, `Remove it: the next configuration that can be used is kept anew.`);
  const { lastGood, refused } = read.kept;
  const inForce = lastGood === null ? 'none' : `version ${lastGood.configVersion} of ${lastGood.takenAt}`;
  if (refused === null) return ok(inForce);
  const found = `the latest was refused at ${refused.at}: ${refused.reason.replaceAll('\n', ' ')}`;
  const todo = 'Correct configurationUpdate and deploy again (every field: device/config/REFERENCE.md).';
  return lastGood === null ? fail(found, todo) : warn(`${found} In force is ${inForce}.`, todo);
}
