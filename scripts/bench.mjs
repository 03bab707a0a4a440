// `npm run bench`; `npm run bench -- phone`, `-- reload` or `-- setups` for that part alone: installs, builds and finds the servers as `npm test` does, then measures.
import { makeReady } from './ready.mjs';

await makeReady();
const part = process.argv[2];
const { benchReload } = await import('../bench/reload.ts');
const { benchPhone } = await import('../bench/phone.ts');
const { benchSetups } = await import('../bench/setups.ts');
const PARTS = { reload: benchReload, phone: benchPhone, setups: benchSetups };
if (part !== undefined && !Object.hasOwn(PARTS, part)) {
  console.error(`There is no part ${part}: ${Object.keys(PARTS).join(', ')}.`);
  process.exit(1);
}
for (const [name, run] of Object.entries(PARTS)) if (part === undefined || part === name) await run();
if (part === undefined) await import('../bench/bench.ts');
process.exit(0);
