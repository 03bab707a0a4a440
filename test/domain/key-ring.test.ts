// Which signing key signs, which is only published, and when a successor is due.
import { expect } from 'chai';
import { dueAlgorithms, keyUses, type RingKey } from '../../src/domain/key-ring.ts';

const HOUR = 3_600_000;
const KEEP = 24 * HOUR;
const file = (kid: string, alg = 'ES256'): RingKey => ({ kid, alg, from: 'file', signsFrom: 0 });
const made = (kid: string, signsFrom: number): RingKey => ({ kid, alg: 'ES256', from: 'rotation', signsFrom });

describe('the key ring', () => {
  const now = 1000 * HOUR;
  const uses = (keys: RingKey[], at = now) => Object.fromEntries(keyUses(keys, at, KEEP));

  it('signs with the first key of the file, and publishes the others', () => {
    expect(uses([file('a'), file('b'), file('r', 'RS256')])).to.deep.equal({ a: 'signs', b: 'published', r: 'signs' });
  });

  it('publishes a new key before it signs, and the old one as long as what it signed counts', () => {
    const keys = [made('new', now), file('old')];
    expect(uses(keys, now - 1)).to.deep.equal({ new: 'next', old: 'signs' });
    expect(uses(keys, now)).to.deep.equal({ new: 'signs', old: 'published' });
    expect(uses(keys, now + KEEP)).to.deep.equal({ new: 'signs', old: 'published' });
    expect(uses(keys, now + KEEP + 1)).to.deep.equal({ new: 'signs', old: 'over' });
  });

  it('counts the time from the first successor, not from the newest', () => {
    const keys = [made('third', now), made('second', now - KEEP - 1), file('first')];
    expect(uses(keys)).to.deep.equal({ third: 'signs', second: 'published', first: 'over' });
  });

  it('signs with the newest that is left where one is retired, with the next one at once where none is', () => {
    const retired = { ...made('bad', now - HOUR), retired: true };
    expect(uses([retired, file('old')])).to.deep.equal({ bad: 'retired', old: 'signs' });
    expect(uses([made('next', now + HOUR), { ...file('bad'), retired: true }])).to.deep.equal({
      bad: 'retired',
      next: 'signs',
    });
  });

  it('is due a publication before its time, once, and at once where nobody knows its age', () => {
    const rule = { every: 90 * 24 * HOUR, publish: 24 * HOUR, keep: KEEP };
    const due = (keys: RingKey[], at: number, age?: number) => dueAlgorithms(keys, rule, at, () => age);
    const at = rule.every - rule.publish;
    expect(due([file('a')], now + at - 1, now)).to.deep.equal([]);
    expect(due([file('a')], now + at, now)).to.deep.equal(['ES256']);
    expect(due([made('b', now + at + rule.publish), file('a')], now + at, now)).to.deep.equal([]);
    expect(due([file('a')], now)).to.deep.equal(['ES256']);
    expect(due([made('a', now)], now + at - 1)).to.deep.equal([]);
    expect(due([made('a', now)], now + at)).to.deep.equal(['ES256']);
  });
});
