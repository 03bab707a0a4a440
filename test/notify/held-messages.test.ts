// Messages that could not be written: held, tried again, and put into the outbox when writing is possible.
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { deliveryAad } from '../../src/domain/delivery.ts';
import { holdMessages } from '../../src/notify/held-messages.ts';
import { createLog } from '../../src/platform/log.ts';
import { openStores, type Stores } from '../support/stores.ts';

describe('messages that nothing can be written of', () => {
  let stores: Stores;
  before(async function () {
    this.timeout(120_000);
    stores = await openStores('servers');
  });
  after(() => stores?.close());

  const message = () => {
    const { random, vault } = stores.world;
    const id = random.id();
    const content = vault.seal(Buffer.from('{}'), deliveryAad(id));
    return { id, kind: 'logout', clientId: 'payroll', content } as const;
  };
  const holding = (takes: () => boolean) => {
    const tried: string[] = [];
    const { deliveries } = stores.world.records;
    const handOver = async ({ id, tries }: { id: string; tries: number }) => {
      tried.push(`${id} ${tries}`);
      return takes();
    };
    return { tried, held: holdMessages({ deliveries, log: createLog('silent'), handOver }) };
  };

  it('are handed over at once, and not kept', async () => {
    const { tried, held } = holding(() => true);
    const one = message();
    held.hold(one, 60);
    await wait(20);
    expect(tried).to.deep.equal([`${one.id} 1`]);
    await held.write();
    expect(await stores.world.records.deliveries.take(5)).to.deep.equal([]);
    expect(held.stop()).to.equal(0);
  });

  it('are tried again, and go into the outbox once, where they are taken from then on', async () => {
    const { tried, held } = holding(() => false);
    const one = message();
    held.hold(one, 60);
    await wait(1200);
    expect(tried).to.deep.equal([`${one.id} 1`, `${one.id} 2`]);
    await Promise.all([held.write(), held.write()]);
    const [taken, ...more] = await stores.world.records.deliveries.take(5);
    expect(taken).to.include({ id: one.id, kind: 'logout', clientId: 'payroll' });
    expect(more).to.deep.equal([]);
    expect(held.stop()).to.equal(0);
    await wait(2100);
    expect(tried, 'no longer tried from here').to.have.length(2);
  }).timeout(10_000);

  it('are counted where they are lost', () => {
    const { held } = holding(() => false);
    held.hold(message(), 60);
    held.hold(message(), 60);
    expect(held.stop()).to.equal(2);
  });
});
