// The contract of State, held by every implementation.
import { expect } from 'chai';
import type { State } from '../../src/storage/state/state.ts';
import { atOnce, type Opened } from './stores.ts';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Holds one implementation to the contract. @param open answers an empty state of its own. */
export function holdStateTo(name: string, open: () => Promise<Opened<State>>): void {
  describe(`state, ${name}`, () => {
    let opened: Opened<State>;
    let state: State;
    before(async () => {
      opened = await open();
      state = opened.it;
    });
    after(() => opened.close());

    it('keeps values for their time to live, and no longer', async () => {
      await state.set('t:a', 'one', 1);
      expect(await state.get('t:a')).to.equal('one');
      await pause(1100);
      expect(await state.get('t:a')).to.equal(undefined);
      expect(await state.delete('t:a')).to.equal(false);
    });

    it('hands a value to one taker, a place to one adder, a deletion to one deleter', async () => {
      await state.set('t:take', 'v', 60);
      const taken = await atOnce(100, () => state.take('t:take'));
      expect(taken.filter((value) => value === 'v')).to.have.length(1);
      const added = await atOnce(100, () => state.add('t:add', 'v', 60));
      expect(added.filter(Boolean)).to.have.length(1);
      const deleted = await atOnce(100, () => state.delete('t:add'));
      expect(deleted.filter(Boolean)).to.have.length(1);
    });

    it('replaces only what exists', async () => {
      expect(await state.replace('t:replace', 'v', 60)).to.equal(false);
      expect(await state.get('t:replace')).to.equal(undefined);
      await state.set('t:replace', 'v', 60);
      expect(await state.replace('t:replace', 'w', 60)).to.equal(true);
      expect(await state.get('t:replace')).to.equal('w');
    });

    it('counts every increment, and lets the first set the time to live', async () => {
      const counts = await atOnce(100, () => state.increment('t:count', 1));
      expect([...counts].sort((a, b) => a - b)).to.deep.equal(Array.from({ length: 100 }, (_, index) => index + 1));
      await pause(600);
      await state.increment('t:count', 1);
      await pause(600);
      expect(await state.increment('t:count', 1)).to.equal(1);
    });

    it('changes a record once where a hundred try', async () => {
      await state.write('t:record', { state: 'pending' }, 60);
      const changes = await atOnce(100, (index) =>
        state.change('t:record', { when: { state: ['pending'] }, sets: { state: 'approved', by: String(index) } }),
      );
      const winners = changes.filter(({ ok }) => ok);
      expect(winners).to.have.length(1);
      expect(await state.read('t:record').then((read) => read?.fields)).to.deep.equal(winners[0]?.now?.fields);
    });

    it('holds every kind of condition', async () => {
      const key = 't:conditions';
      expect(await state.change(key, { sets: { a: '1' } })).to.deep.equal({ ok: false, now: undefined });
      const written = await state.write(key, { a: '1', n: '2' }, 60, { soon: 60_000, past: -1 });
      expect(Number(written.fields.soon) - written.now).to.equal(60_000);
      const tried = async (change: Parameters<State['change']>[1]) => (await state.change(key, change)).ok;
      expect(await tried({ when: { a: ['2', '3'] } })).to.equal(false);
      expect(await tried({ when: { a: ['2', '1'] } })).to.equal(true);
      expect(await tried({ absent: ['a'] })).to.equal(false);
      expect(await tried({ absent: ['b'] })).to.equal(true);
      expect(await tried({ absentOr: { a: '2' } })).to.equal(false);
      expect(await tried({ absentOr: { a: '1', b: '7' } })).to.equal(true);
      expect(await tried({ alive: { field: 'past' } })).to.equal(false);
      expect(await tried({ alive: { field: 'missing' } })).to.equal(false);
      expect(await tried({ alive: { field: 'past', graceMs: 60_000 } })).to.equal(true);
      expect(await tried({ alive: { field: 'soon' } })).to.equal(true);
      expect(await tried({ below: { n: 2 } })).to.equal(false);
      expect(await tried({ below: { n: 3, none: 1 } })).to.equal(true);
    });

    it('has every kind of effect, and none where a condition fails', async () => {
      const key = 't:effects';
      const { fields } = await state.write(key, { gone: 'x', n: '2' }, 60, { from: 0, end: 1000 });
      const effects = {
        sets: { a: 'A' },
        removes: ['gone'],
        adds: { n: 3, m: 1 },
        raise: { field: 'end', by: 120_000, from: 'from', whole: 600_000 },
      };
      const refused = await state.change(key, { ...effects, when: { n: ['9'] } });
      expect(refused.now?.fields).to.deep.equal(fields);
      const done = await state.change(key, effects);
      const end = String(Number(fields.end) + 120_000);
      expect(done.now?.fields).to.deep.equal({ a: 'A', n: '5', m: '1', from: fields.from, end });
      for (let times = 0; times < 6; times += 1) await state.change(key, effects);
      const read = await state.read(key);
      expect(Number(read?.fields.end)).to.equal(Number(fields.from) + 600_000);
    });

    it('forgets the members of an index one by one', async () => {
      await state.enlist('t:index', 'short', 1);
      await state.enlist('t:index', 'long', 60);
      await state.enlist('t:index', 'dropped', 60);
      await state.delist('t:index', 'dropped');
      expect([...(await state.members('t:index'))].sort()).to.deep.equal(['long', 'short']);
      await pause(1100);
      expect(await state.members('t:index')).to.deep.equal(['long']);
      expect(await state.members('t:none')).to.deep.equal([]);
    });

    it('throttles: so many in a window, and never one more', async () => {
      const figures = { points: 10, window: 60_000, block: 0, maxBlock: 0 };
      const waits = await atOnce(100, () => state.throttle('t:throttle', figures, true));
      expect(waits.filter((wait) => wait === 0)).to.have.length(10);
      expect(await state.throttle('t:throttle', figures, false)).to.be.within(1, 60_000);
      expect(await state.throttle('t:fresh', figures, false)).to.equal(0);
    });

    it('throttles with blocks that double up to a bound', async () => {
      const figures = { points: 2, window: 60_000, block: 200, maxBlock: 400 };
      const key = 't:blocks';
      expect(await state.throttle(key, figures, true)).to.equal(0);
      expect(await state.throttle(key, figures, true)).to.equal(0);
      expect(await state.throttle(key, figures, true)).to.be.within(1, 200);
      await pause(220);
      expect(await state.throttle(key, figures, true)).to.equal(0);
      expect(await state.throttle(key, figures, true)).to.be.within(150, 400);
      await pause(420);
      expect(await state.throttle(key, figures, true)).to.equal(0);
      expect(await state.throttle(key, figures, true)).to.be.within(150, 400);
    });

    it('begins again after a block that does not double', async () => {
      const figures = { points: 1, window: 60_000, block: 150, maxBlock: 150 };
      expect(await state.throttle('t:single', figures, true)).to.equal(0);
      expect(await state.throttle('t:single', figures, true)).to.be.within(1, 150);
      await pause(170);
      expect(await state.throttle('t:single', figures, true)).to.equal(0);
    });

    it('tells the listeners of a topic, also from within a change, until they stop', async () => {
      const heard: string[] = [];
      const stop = await state.subscribe('topic:a', (message) => heard.push(message));
      const stopOther = await state.subscribe('topic:a', (message) => heard.push(`other ${message}`));
      await state.publish('topic:a', 'one');
      await state.write('t:tell', { id: 'a' }, 60);
      await state.change('t:tell', { tells: [{ topic: 'topic:', field: 'id', message: 'two' }] });
      await state.change('t:tell', { when: { id: ['b'] }, tells: [{ topic: 'topic:a', message: 'never' }] });
      await pause(100);
      expect([...heard].sort()).to.deep.equal(['one', 'other one', 'other two', 'two']);
      stopOther();
      await pause(50);
      await state.publish('topic:a', 'three');
      await pause(100);
      stop();
      await state.publish('topic:a', 'four');
      await pause(50);
      expect(heard.slice(4)).to.deep.equal(['three']);
    });

    it('refuses keys that cannot be keys', async () => {
      for (const key of ['', 'a b', 'a\nb', 'é', 'x'.repeat(513)]) {
        const error = await state.get(key).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        expect(error, JSON.stringify(key)).to.be.instanceOf(RangeError);
      }
    });

    it('keeps time in milliseconds and says that it is well', async () => {
      expect(Math.abs((await state.now()) - Date.now())).to.be.below(5000);
      expect(await state.health()).to.deep.equal({ ok: true });
    });
  });
}
