// The in-process state is bounded, in entries and in bytes: what is full refuses, and forgets nothing that still counts.
import { expect } from 'chai';
import { openEmbeddedState } from '../../src/storage/state/embedded/state.ts';
import type { State } from '../../src/storage/state/state.ts';

const KIB = 1024;
const text = (length: number) => 'x'.repeat(length);

/** How an operation fails; undefined where it does not. */
const why = (done: Promise<unknown>) =>
  done.then(
    () => undefined,
    (error: Error) => `${error.name}: ${error.message}`,
  );
const FULL = 'StateUnavailable: the in-process state is full';

describe('the bounds of the in-process state', () => {
  let state: State;
  let now = 1_000_000;
  const open = (bounds: { limit?: number; bytes?: number }) => {
    state = openEmbeddedState({ clock: { now: () => now }, sweepEvery: 3_600_000, ...bounds });
  };
  afterEach(() => state.close());
  const fill = () => state.fill?.() ?? Number.NaN;

  it('are in bytes: a few long values fill it as many short ones would', async () => {
    open({ bytes: 100 * KIB });
    for (let name = 0; name < 9; name += 1) await state.set(`long:${name}`, text(10 * KIB), 60);
    expect(fill()).to.be.within(0.9, 0.95);
    expect(await why(state.set('long:9', text(10 * KIB), 60))).to.equal(FULL);
    expect(await why(state.add('long:9', text(10 * KIB), 60))).to.equal(FULL);
    expect(await why(state.write('long:9', { a: text(10 * KIB) }, 60))).to.equal(FULL);
    expect(await why(state.enlist('long:9', text(10 * KIB), 60))).to.equal(FULL);
    // Something short still fits, and all that was there is there.
    await state.set('short', 'x', 60);
    for (let name = 0; name < 9; name += 1) expect(await state.get(`long:${name}`)).to.have.length(10 * KIB);
  });

  it('hold for what grows in its place', async () => {
    open({ bytes: 100 * KIB });
    await state.set('value', 'x', 60);
    expect(await why(state.replace('value', text(100 * KIB), 60))).to.equal(FULL);
    expect(await state.get('value')).to.equal('x');
    await state.write('record', { a: 'x' }, 60);
    expect(await why(state.write('record', { a: text(100 * KIB) }, 60))).to.equal(FULL);
    expect((await state.read('record'))?.fields).to.deep.equal({ a: 'x' });
    expect((await state.change('record', { sets: { a: text(95 * KIB) } })).ok).to.equal(true);
    expect(fill()).to.be.above(0.95);
    // What takes no more room than before is always taken: a request that is under way can end.
    expect((await state.change('record', { sets: { a: 'x' } })).ok).to.equal(true);
    expect(fill()).to.be.below(0.05);
  });

  it('count a text twice that is not Latin: it takes twice the memory', async () => {
    open({ bytes: 100 * KIB });
    await state.set('latin', text(10 * KIB), 60);
    const latin = fill();
    await state.delete('latin');
    await state.set('greek', `${text(10 * KIB - 1)}λ`, 60);
    expect(fill() / latin).to.be.within(1.9, 2);
  });

  it('are in entries too, and unready says why', async () => {
    open({ limit: 3 });
    for (const name of ['a', 'b', 'c']) await state.set(name, 'x', 60);
    expect(await state.health()).to.deep.equal({ ok: false, why: 'full' });
    expect(await why(state.set('d', 'x', 60))).to.equal(FULL);
    expect(await why(state.throttle('d', { points: 1, window: 1000, block: 0, maxBlock: 0 }, true))).to.equal(FULL);
    await state.set('a', 'y', 60);
    await state.delete('b');
    expect(await state.health()).to.deep.equal({ ok: true });
    await state.set('d', 'x', 60);
  });

  it('make room by what has expired', async () => {
    open({ bytes: 100 * KIB });
    for (let name = 0; name < 9; name += 1) await state.set(`long:${name}`, text(10 * KIB), 60);
    now += 61_000;
    await state.set('long:9', text(90 * KIB), 60);
    expect(await state.get('long:9')).to.have.length(90 * KIB);
  });

  it('are empty again when all is gone, whatever way it went', async () => {
    open({ bytes: 1000 * KIB });
    const figures = { points: 1, window: 60_000, block: 0, maxBlock: 0 };
    for (let name = 0; name < 20; name += 1) {
      await state.set(`v${name}`, text(name), 60);
      await state.set(`v${name}`, text(7 * name), 60);
      await state.increment(`n${name}`, 60);
      await state.increment(`n${name}`, 60);
      await state.write(`r${name}`, { a: text(name) }, 60);
      await state.change(`r${name}`, { adds: { n: 1 }, sets: { b: text(name) }, removes: ['a'] });
      await state.enlist(`i${name}`, text(name + 1), 60);
      await state.enlist(`i${name}`, text(name + 2), 60);
      await state.delist(`i${name}`, text(name + 1));
      await state.throttle(`t${name}`, figures, true);
    }
    expect(fill()).to.be.above(0.01);
    for (let name = 0; name < 10; name += 1) {
      await state.take(`v${name}`);
      for (const kind of ['n', 'r', 'i', 't']) await state.delete(`${kind}${name}`);
    }
    now += 61_000;
    for (let name = 10; name < 15; name += 1) await state.get(`v${name}`);
    await state.set('v0', text(1000 * KIB - 1000), 60);
    await state.delete('v0');
    expect(fill()).to.equal(0);
  });
});
