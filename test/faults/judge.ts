// After a run, when everything stands again: nothing single-use is taken once more, and what was acknowledged is there.
import { setTimeout as wait } from 'node:timers/promises';
import type { Ledger } from './ledger.ts';
import { present } from './sign-in.ts';
import type { Stage } from './stage.ts';

/** The newest things of a run that are tried once more. */
const TRIED = 8;

/** Writes what does not hold into the book. */
export async function judge(stage: Stage, ledger: Ledger): Promise<void> {
  for (const code of ledger.codes.slice(-TRIED)) {
    // One that nobody knows to be taken may be good once; every further time counts itself as a violation.
    for (const { origin } of stage.nodes) await present(ledger, code, origin).catch(ledger.refused);
  }
  for (const again of ledger.finished.slice(-TRIED)) {
    if (await again().catch((error: unknown) => void ledger.refused(error)))
      ledger.violated('a browser was let in twice by one approval');
  }
  for (const check of ledger.kept.values()) {
    const lost = await check().catch(async () => {
      await wait(500);
      return check().catch((error: Error) => `cannot be looked at: ${error.message}`);
    });
    if (lost !== undefined) ledger.violated(lost);
  }
  const refusals = stage.world.nodes.flatMap((node) => node.output().match(/unhandled[^\n]*/gi) ?? []);
  for (const line of new Set(refusals)) ledger.violated(`a node said: ${line.slice(0, 120)}`);
}
