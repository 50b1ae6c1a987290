import { buildBundles } from './processes/bundles.ts';
import { faults } from './processes/faults.ts';
import { playRounds } from './processes/play-rounds.ts';

const [seed = '1', ...names] = process.argv.slice(2);
const bundles = await buildBundles();
const plan = names.flatMap((name) => faults.filter((f) => f.name.includes(name)));
const r = await playRounds({
  bundles,
  seed: Number(seed),
  plan,
  onRound: ({ findings, ...r }) => {
    console.log(JSON.stringify(r));
    for (const f of findings) console.log('  ', f.invariant, f.what.slice(0, 600));
  },
});
console.log(r.kept);
await bundles.remove();
