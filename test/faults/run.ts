// `npm run faults`: brings each fault in again and again, at moments that the seed chooses, and tells what held.

import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { until } from '../support/redis-together.ts';
import { sendOff, settle } from './crowd.ts';
import { seededDice } from './dice.ts';
import { judge } from './judge.ts';
import { type Ledger, openLedger, watchAnswers } from './ledger.ts';
import { openStage } from './stage.ts';
import { FAULTS, type Fault } from './table.ts';

/** What a row of runs showed. Times in milliseconds. */
interface Outcome {
  id: string;
  runs: number;
  broken: number;
  rounds: number;
  refused: number;
  slowest: number;
}

let book: Ledger = openLedger();

/** One run: everybody is well, the fault comes and goes, everybody is well again, and the book is judged. @returns the time to recover. */
async function once(
  id: string,
  fault: Fault,
  stage: Awaited<ReturnType<typeof openStage>>,
  people: Awaited<ReturnType<typeof settle>>,
  number: number,
): Promise<number> {
  const dice = seededDice(id, number);
  const ledger = openLedger();
  book = ledger;
  const crowd = await sendOff(stage, people, number, ledger, dice);
  let took = Number.POSITIVE_INFINITY;
  try {
    await wait(dice.between(200, 1000));
    const ended = await fault.strike({ stage, people, crowd, ledger, dice });
    took = await crowd.wellAfter(ended, fault.bound + 10_000);
    if (took > fault.bound) ledger.violated(`well again after ${Math.round(took)} ms, ${fault.bound} are allowed`);
    await until('both nodes are ready', async () => (await Promise.all(stage.nodes.map(stage.isReady))).every(Boolean));
  } catch (error) {
    ledger.violated(`the run broke off: ${ends(error instanceof Error ? error.message : String(error))}`);
  } finally {
    await crowd.stop();
  }
  await judge(stage, ledger);
  return took;
}

async function many(id: string, fault: Fault, runs: number, seed: number): Promise<Outcome> {
  const stage = await openStage(fault.needs ?? {});
  const outcome: Outcome = { id, runs, broken: 0, rounds: 0, refused: 0, slowest: 0 };
  try {
    const people = await settle(stage);
    for (let number = seed; number < seed + runs; number += 1) {
      const took = await once(id, fault, stage, people, number);
      const refused = [...book.refusals.values()].reduce((sum, count) => sum + count, 0);
      outcome.rounds += book.rounds;
      outcome.refused += refused;
      outcome.slowest = Math.max(outcome.slowest, took);
      if (book.violations.length > 0) outcome.broken += 1;
      const verdict = book.violations.length === 0 ? 'held' : 'BROKEN';
      console.log(
        `${id} seed ${number}: ${verdict}, ${book.rounds} rounds, ${refused} refused, well after ${Math.round(took)} ms, longest answer ${Math.round(book.longest.ms)} ms (${book.longest.what})`,
      );
      for (const violation of new Set(book.violations)) console.log(`  ${violation}`);
      if (process.env.FAULTS_TELL) for (const [why, count] of book.refusals) console.log(`  (${count} × ${why})`);
    }
    const audit = await stage.world.cli(['audit', 'verify']);
    if (audit.code !== 0) {
      outcome.broken += 1;
      console.log(`  the audit does not verify: ${audit.stdout}${audit.stderr}`);
    }
  } finally {
    await stage.close();
  }
  return outcome;
}

/** Reads the words after `npm run faults --`, runs, and prints the table. @returns whether everything held. */
export async function faults(args: string[]): Promise<boolean> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { runs: { type: 'string', default: '20' }, seed: { type: 'string', default: '1' } },
  });
  const unknown = positionals.filter((id) => !Object.hasOwn(FAULTS, id));
  if (unknown.length > 0)
    throw new Error(`no such fault: ${unknown.join(', ')}; there are ${Object.keys(FAULTS).join(' ')}`);
  watchAnswers(() => book);
  // Every node of every stage is ended with us.
  process.setMaxListeners(100);
  const outcomes: Outcome[] = [];
  for (const id of positionals.length > 0 ? positionals : Object.keys(FAULTS))
    outcomes.push(await many(id, FAULTS[id] as Fault, Number(values.runs), Number(values.seed)));
  console.log('\n| Fault | Runs | Broken | Rounds that went through | Refused meanwhile | Well again after, at most |');
  console.log('| --- | ---: | ---: | ---: | ---: | ---: |');
  for (const { id, runs, broken, rounds, refused, slowest } of outcomes) {
    const what = `${id} ${FAULTS[id]?.what}`;
    console.log(`| ${what} | ${runs} | ${broken} | ${rounds} | ${refused} | ${(slowest / 1000).toFixed(1)} s |`);
  }
  return outcomes.every(({ broken }) => broken === 0);
}

/** Of a long text both ends: what it is about, and what came last. */
function ends(text: string): string {
  return text.length > 1000 ? `${text.slice(0, 200)} … ${text.slice(-800)}` : text;
}
