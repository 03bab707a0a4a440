// A person and a grant in one statement: the same answers as one after the other.
import { expect } from 'chai';
import type { User } from '../../src/domain/user.ts';
import { personWithGrant } from '../../src/storage/oidc/person-with-grant.ts';
import type { Database } from '../../src/storage/postgres/database.ts';
import { DATABASES, type Opened } from './stores.ts';

const maria: User = {
  id: 'maria',
  login: 'maria',
  name: 'Maria',
  state: 'active',
  alwaysSecondFactor: false,
  factorsVersion: 0,
  offlineFailures: 0,
  wrongNumbers: 0,
  groups: [],
  attributes: {},
  pushPaused: false,
  sessionsValidAfter: 0,

  endedSessions: [],
  createdAt: 0,
};

for (const { name, open } of DATABASES) {
  describe(`a person with a grant, ${name}`, function () {
    // PGlite takes seconds to begin, on a busy machine many.
    this.timeout(120_000);
    let database: Opened<Database>;
    before(async () => {
      database = await open();
      await database.it.records.users.insert(maria);
      const grant = (id: string, expires: string) =>
        database.it.knex.raw(
          `insert into oidc_artefacts (model, id, payload, account_id, expires_at)
           values ('Grant', ?, '{"clientId":"demo"}', 'maria', clock_timestamp() + ?::interval)`,
          [id, expires],
        );
      await grant('alive', '1 hour');
      await grant('over', '-1 second');
      await database.it.knex.raw(
        `insert into oidc_artefacts (model, id, payload, expires_at) values ('RefreshToken', 'token', '{}', null)`,
      );
    });
    after(() => database.close());

    it('answers both', async () => {
      const found = await personWithGrant(database.it.knex, 'maria', 'alive');
      expect(found).to.deep.equal({ user: maria, grant: { clientId: 'demo', jti: 'alive' } });
      expect(found?.user).to.deep.equal(await database.it.records.users.byId('maria'));
    });

    it('has no grant that has expired, is unknown, or is something else', async () => {
      for (const id of ['over', 'unknown', 'token'])
        expect(await personWithGrant(database.it.knex, 'maria', id)).to.deep.equal({ user: maria });
    });

    it('has nothing without the person', async () => {
      expect(await personWithGrant(database.it.knex, 'nobody', 'alive')).to.equal(undefined);
    });
  });
}
