// Whom we know, by the time of a wrong password (A24): nobody can tell better than by tossing a coin.
import { expect } from 'chai';
import { setUserState } from '../../src/usecases/manage-users.ts';
import { signInWithPassword } from '../../src/usecases/sign-in-with-password.ts';
import { person, type RunningHouse, startHouse } from '../support/house.ts';

/** Measurements of each kind, taken in turn: what else the machine does falls on all alike. */
const ROUNDS = 600;

const median = (all: readonly number[]) => [...all].sort((a, b) => a - b)[all.length >> 1] ?? 0;

/** How often a measurement of one kind is longer than one of the other: 0.5 where they tell nothing apart, 1 or 0 where they tell everything. */
function longer(one: readonly number[], other: readonly number[]): number {
  let wins = 0;
  for (const a of one) for (const b of other) wins += a > b ? 1 : a === b ? 0.5 : 0;
  return wins / (one.length * other.length);
}

describe('names by the time of a wrong password', () => {
  let running: RunningHouse;
  before(async () => {
    const often = { points: 1_000_000, within: '10m' };
    // Hashes of 1 MB, so that whatever is done beside them shows.
    running = await startHouse({
      files: { 'limits.yaml': { password_address: often, password_person: { ...often, block: '1s' } } },
    });
  });
  after(() => running?.close());

  it('say nothing: of a person, a disabled one, a mail address and a name that nobody has (A24)', async () => {
    const { world } = running.house;
    const known = await person(running.house);
    const gone = await person(running.house);
    const user = await world.records.users.byId(gone.id);
    if (user) await setUserState(world, user, 'disabled');
    const kinds: { [kind: string]: { name: (n: number) => string; times: number[] } } = {
      nobody: { name: (n) => `nobody${n}`, times: [] },
      known: { name: () => known.login, times: [] },
      disabled: { name: () => gone.login, times: [] },
    };
    const mails: typeof kinds = {
      nobody: { name: (n) => `nobody${n}@example.org`, times: [] },
      known: { name: () => `${known.login}@example.org`, times: [] },
    };
    const measure = async (n: number, { name, times }: (typeof kinds)[string]) => {
      const begun = performance.now();
      const attempt = { login: name(n), password: 'wrong', address: `192.0.2.${n % 250}` };
      expect((await signInWithPassword(world, attempt)).ok).to.equal(false);
      times.push(performance.now() - begun);
    };
    for (const group of [kinds, mails]) {
      for (let n = -20; n < ROUNDS; n += 1) {
        const all = Object.values(group);
        // Each comes first as often as the others.
        const turned = [...all.slice(Math.abs(n) % all.length), ...all.slice(0, Math.abs(n) % all.length)];
        for (const kind of turned) await measure(n, kind);
        if (n < 0) for (const kind of all) kind.times.length = 0;
      }
      const { nobody, ...others } = group;
      for (const [kind, { times }] of Object.entries(others)) {
        const told = `${kind}: ${median(times)} ms, nobody: ${median(nobody?.times ?? [])} ms`;
        expect(Math.abs(median(times) - median(nobody?.times ?? [])), told).to.be.below(5);
        // Chance alone has a deviation of 0.017. One question more to the database shows as 0.61 or more.
        expect(longer(times, nobody?.times ?? []), told).to.be.within(0.4, 0.6);
      }
    }
  });
});
