// `npm run faults -- F07 --runs 20 --seed 1`: installs, builds and finds the servers as `npm test` does, then brings faults in.
import { build } from './build.mjs';
import { checkNode, installIfStale } from './install.mjs';
import { haveEverything } from './machine.mjs';

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));

checkNode();
await installIfStale();
const { register } = await import('tsx/esm/api');
register();
const { findProgram } = await import('../test/support/servers.ts');
if (!(await haveEverything(findProgram, () => {}))) process.exit(1);
if (!(await build())) process.exit(1);
const { faults } = await import('../test/faults/run.ts');
process.exit((await faults(process.argv.slice(2))) ? 0 : 1);
