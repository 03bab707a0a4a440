// `npm run faults -- F07 --runs 20 --seed 1`: installs, builds and finds the servers as `npm test` does, then brings faults in.
import { makeReady } from './ready.mjs';

await makeReady();
const { faults } = await import('../test/faults/run.ts');
process.exit((await faults(process.argv.slice(2))) ? 0 : 1);
