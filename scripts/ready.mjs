// What `npm run bench` and `npm run faults` begin with: packages, the programs that tests need, the build, and TypeScript that can be imported.
import { build } from './build.mjs';
import { checkNode, installIfStale } from './install.mjs';
import { haveEverything } from './machine.mjs';

/** Ends this process where something is missing and cannot be installed; what, is on the screen. */
export async function makeReady() {
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(130));
  checkNode();
  await installIfStale();
  const { register } = await import('tsx/esm/api');
  register();
  const { findProgram } = await import('../test/support/servers.ts');
  if (!(await haveEverything(findProgram, () => {}))) process.exit(1);
  if (!(await build())) process.exit(1);
}
