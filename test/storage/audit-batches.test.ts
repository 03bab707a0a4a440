// Audit events that nobody waits for: some together, in order, none lost, and none said to be written that was not.
import { expect } from 'chai';
import { createAuditBatches } from '../../src/storage/postgres/audit-batches.ts';
import type { Database } from '../../src/storage/postgres/database.ts';
import { rows } from '../../src/storage/postgres/statement.ts';
import { DATABASES, type Opened } from './stores.ts';

const event = (reason: string) => ({ event: 'session_ended', outcome: 'success', reason }) as const;

for (const { name, open } of DATABASES) {
  describe(`audit in batches, ${name}`, () => {
    let database: Opened<Database>;
    before(async () => {
      database = await open();
    });
    after(() => database.close());

    const reasons = async () =>
      (
        await rows<{ reason: string }>(
          database.it.knex,
          `select event ->> 'reason' as reason from audit_events order by audit_events.id`,
        )
      ).map(({ reason }) => reason);

    it('writes all in the order in which they came, and says so only then', async () => {
      const batches = createAuditBatches(database.it.knex);
      const wanted = Array.from({ length: 450 }, (_, at) => `r${at}`);
      const told = wanted.map((reason) => batches.record(event(reason)));
      await told[0];
      expect(await reasons()).to.include('r0');
      await Promise.all(told);
      expect(await reasons()).to.deep.equal(wanted);
    });

    it('writes what waits when it is closed, and what a database cannot hold in a form that it can', async () => {
      const batches = createAuditBatches(database.it.knex);
      const told = batches.record(event('a\u0000b\ud800'));
      await batches.close();
      await told;
      expect((await reasons()).at(-1)).to.equal('a\ufffdb\ufffd');
    });

    it('refuses more than it may hold, instead of growing', async () => {
      const batches = createAuditBatches(database.it.knex);
      const told = await Promise.allSettled(Array.from({ length: 5003 }, (_, at) => batches.record(event(`m${at}`))));
      await batches.close();
      expect(told.filter(({ status }) => status === 'rejected')).to.have.lengthOf(3);
      expect((await reasons()).filter((reason) => reason.startsWith('m'))).to.have.lengthOf(5000);
    });

    it('tells each caller of a write that failed, and goes on', async () => {
      const batches = createAuditBatches(database.it.knex);
      await database.it.knex.raw('alter table audit_events rename to audit_events_away');
      const [first, second] = await Promise.allSettled([batches.record(event('x')), batches.record(event('y'))]);
      await database.it.knex.raw('alter table audit_events_away rename to audit_events');
      expect([first.status, second.status]).to.deep.equal(['rejected', 'rejected']);
      await batches.record(event('z'));
      expect((await reasons()).at(-1)).to.equal('z');
    });
  });
}
