// The people of a run, all at once and without a pause, while a fault comes and goes.
import { setTimeout as wait } from 'node:timers/promises';
import { addAndRemove, guesser, intruder, type Round, refresher, renamer, signer } from './actors.ts';
import type { Dice } from './dice.ts';
import type { Ledger } from './ledger.ts';
import type { Person, Stage } from './stage.ts';

/** People who live as long as the stage. */
export interface Residents {
  signers: Person[];
  refresher: Person;
  renamer: Person;
  victim: Person;
  /** Signs in for the fault itself, and for nobody else: a person's eleventh open request ends the oldest. */
  waiter: Person;
}

/** Adds them. */
export async function settle(stage: Stage): Promise<Residents> {
  const signers = [await stage.person('ada'), await stage.person('bob')];
  return {
    signers,
    refresher: await stage.person('carol'),
    renamer: await stage.person('dan'),
    victim: await stage.person('erin'),
    waiter: await stage.person('fay'),
  };
}

/** What runs while a fault comes and goes. */
export interface Crowd {
  /**
   * Waits until everybody has gone through a whole round that began after `since` (milliseconds of `performance.now()`).
   * @returns how long after it the last of these began; infinite where that never came within `within` ms.
   */
  wellAfter(since: number, within: number): Promise<number>;
  /** Rounds that failed so far. */
  failures(): number;
  stop(): Promise<void>;
}

/** Sends everybody off. @param number of the run: some people are made for it alone. */
export async function sendOff(
  stage: Stage,
  people: Residents,
  number: number,
  ledger: Ledger,
  dice: Dice,
): Promise<Crowd> {
  const spare = await stage.person(`spare${number}`);
  const leaving = await stage.phoneOf(spare.id);
  const link = await stage.offer(spare.id);
  const rounds: { [name: string]: Round } = {
    ...Object.fromEntries(people.signers.map((one) => [one.login, signer(stage, one, ledger, dice)])),
    intruder: intruder(stage, people.victim, ledger),
    refresher: refresher(stage, people.refresher, ledger),
    renamer: renamer(people.renamer, ledger),
    guesser: guesser(stage, spare, ledger),
  };
  let going = true;
  let failures = 0;
  const well = new Map<string, number[]>();
  const loop = async ([name, round]: [string, Round]) => {
    const begins: number[] = [];
    well.set(name, begins);
    while (going) {
      const begun = performance.now();
      try {
        await round();
        begins.push(begun);
        ledger.rounds += 1;
        await wait(dice.between(80, 250));
      } catch (error) {
        failures += 1;
        ledger.refused(error);
        await wait(50);
      }
    }
  };
  const once = wait(dice.between(0, 1000)).then(() => addAndRemove(stage, spare, leaving, link, ledger));
  const all = [...Object.entries(rounds).map(loop), once];
  return {
    async wellAfter(since, within) {
      const firsts = () => [...well.values()].map((begins) => begins.find((begun) => begun >= since));
      while (firsts().some((first) => first === undefined)) {
        if (performance.now() > since + within) return Number.POSITIVE_INFINITY;
        await wait(20);
      }
      return Math.max(...firsts().map((first) => (first ?? 0) - since));
    },
    failures: () => failures,
    async stop() {
      going = false;
      await Promise.all(all);
    },
  };
}
