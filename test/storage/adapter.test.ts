// The adapter of oidc-provider on both pairs of stores.
import { expect } from 'chai';
import { type Adapter, errors } from 'oidc-provider';
import { systemRandom } from '../../src/platform/random.ts';
import { createAdapter } from '../../src/storage/oidc/adapter.ts';
import { createClientCatalog } from '../../src/storage/oidc/client-catalog.ts';
import { MODELS } from '../../src/storage/oidc/models.ts';
import { markSessionEnded } from '../../src/storage/oidc/state-artefacts.ts';
import type { Database } from '../../src/storage/postgres/database.ts';
import type { State } from '../../src/storage/state/state.ts';
import { atOnce, DATABASES, type Opened, STATES } from './stores.ts';

const id = () => systemRandom.id(32);

async function outcome(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'done',
    (error: unknown) => error,
  );
}

for (const [index, pair] of ['embedded', 'Redis and PostgreSQL'].entries()) {
  describe(`adapter, ${pair}`, function () {
    this.timeout(120_000);
    let state: Opened<State>;
    let database: Opened<Database>;
    let of: (model: string) => Adapter;
    const clients = createClientCatalog();
    before(async () => {
      const [stateOf, databaseOf] = [STATES[index], DATABASES[index]];
      if (!stateOf || !databaseOf) throw new Error('a pair has two');
      [state, database] = await Promise.all([stateOf.open(), databaseOf.open()]);
      of = createAdapter({ knex: database.it.knex, state: state.it, clients });
    });
    after(() => Promise.all([state.close(), database.close()]));

    const consumables = Object.entries(MODELS).filter(([, { consumable }]) => consumable);
    const grantables = Object.entries(MODELS).filter(([, { grantable }]) => grantable);

    for (const model of Object.keys(MODELS).filter((name) => name !== 'Client')) {
      it(`${model}: found as written until it is destroyed`, async () => {
        const adapter = of(model);
        const artefact = { jti: id(), accountId: 'ada', exp: 1_900_000_000 };
        expect(await adapter.find(artefact.jti)).to.equal(undefined);
        await adapter.upsert(artefact.jti, artefact, 60);
        expect(await adapter.find(artefact.jti)).to.deep.equal(artefact);
        await adapter.upsert(artefact.jti, { ...artefact, accountId: 'bea' }, 60);
        expect(await adapter.find(artefact.jti)).to.deep.equal({ ...artefact, accountId: 'bea' });
        await adapter.destroy(artefact.jti);
        expect(await adapter.find(artefact.jti)).to.equal(undefined);
        expect(await adapter.find('x y'.repeat(5000))).to.equal(undefined);
      });
    }

    for (const [model, { grantable }] of consumables) {
      it(`${model}: consumed by one of a hundred; the others throw and revoke the grant`, async () => {
        const adapter = of(model);
        const grantId = id();
        const token = id();
        await of('Grant').upsert(grantId, { jti: grantId, accountId: 'ada' }, 60);
        const access = id();
        await of('AccessToken').upsert(access, { jti: access, grantId }, 60);
        await adapter.upsert(token, { jti: token, ...(grantable ? { grantId } : {}) }, 60);
        const outcomes = await atOnce(100, () => outcome(adapter.consume(token)));
        expect(outcomes.filter((one) => one === 'done')).to.have.length(1);
        const Refusal = grantable ? errors.InvalidGrant : errors.InvalidRequestUri;
        for (const one of outcomes.filter((other) => other !== 'done')) expect(one).to.be.instanceOf(Refusal);
        if (!grantable) {
          expect((await adapter.find(token))?.consumed).to.be.a('number');
          return;
        }
        // Polls may overlap: the second takes nothing from the first.
        if (MODELS[model]?.polled) {
          expect(await of('Grant').find(grantId)).not.to.equal(undefined);
          return;
        }
        expect(await of('Grant').find(grantId)).to.equal(undefined);
        expect(await of('AccessToken').find(access)).to.equal(undefined);
        expect(await adapter.find(token)).to.equal(undefined);
      });

      it(`${model}: consumed is told, kept over a second save, and what is gone cannot be consumed`, async () => {
        const adapter = of(model);
        const token = id();
        await adapter.upsert(token, { jti: token }, 60);
        await adapter.consume(token);
        await adapter.upsert(token, { jti: token, scope: 'openid' }, 60);
        const found = await adapter.find(token);
        expect(found?.scope).to.equal('openid');
        expect(Math.abs(Number(found?.consumed) - Date.now() / 1000)).to.be.below(60);
        expect(await outcome(adapter.consume(id()))).to.be.instanceOf(Error);
      });
    }

    it('revokes by grant what is of its model, and nothing else', async () => {
      const [mine, other] = [id(), id()];
      for (const [model] of grantables) {
        const adapter = of(model);
        const tokens = [id(), id(), id()];
        for (const token of tokens.slice(0, 2)) await adapter.upsert(token, { jti: token, grantId: mine }, 60);
        await adapter.upsert(tokens[2] ?? '', { jti: tokens[2] ?? '', grantId: other }, 60);
        await adapter.revokeByGrantId(mine);
        const left = await Promise.all(tokens.map((token) => adapter.find(token)));
        expect(left.map(Boolean), model).to.deep.equal([false, false, true]);
      }
    });

    it('what is over is not found', async () => {
      for (const model of ['RefreshToken', 'Grant', 'AuthorizationCode', 'Session']) {
        const token = id();
        await of(model).upsert(token, { jti: token, uid: id() }, 1);
        expect(await of(model).find(token), model).not.to.equal(undefined);
      }
      const late = id();
      await of('RefreshToken').upsert(late, { jti: late }, -1);
      expect(await of('RefreshToken').find(late)).to.equal(undefined);
      expect(await outcome(of('RefreshToken').consume(late))).to.be.instanceOf(errors.InvalidGrant);
    });

    it('Interaction: one of a hundred ends it, and it does not come back', async () => {
      const adapter = of('Interaction');
      const uid = id();
      const finished = { jti: uid, result: { login: { accountId: 'ada' } } };
      await adapter.upsert(uid, { jti: uid, params: {} }, 60);
      await adapter.upsert(uid, finished, 60);
      const outcomes = await atOnce(100, () => outcome(adapter.destroy(uid)));
      expect(outcomes.filter((one) => one === 'done')).to.have.length(1);
      for (const one of outcomes.filter((other) => other !== 'done'))
        expect(one).to.be.instanceOf(errors.SessionNotFound);
      expect(await outcome(adapter.upsert(uid, finished, 60))).to.be.instanceOf(errors.SessionNotFound);
      expect(await adapter.find(uid)).to.equal(undefined);
    });

    it('Session: found by uid also after its id has changed', async () => {
      const adapter = of('Session');
      const [first, second, uid] = [id(), id(), id()];
      await adapter.upsert(first, { jti: first, uid }, 60);
      await adapter.destroy(first);
      await adapter.upsert(second, { jti: second, uid, accountId: 'ada' }, 60);
      expect(await adapter.findByUid(uid)).to.deep.equal({ jti: second, uid, accountId: 'ada' });
      await adapter.destroy(second);
      expect(await adapter.findByUid(uid)).to.equal(undefined);
    });

    it('Session: once signed out of, it is not brought back by a request in flight, under its id or a new one', async () => {
      const adapter = of('Session');
      const [first, second, uid] = [id(), id(), id()];
      await adapter.upsert(first, { jti: first, uid, accountId: 'ada' }, 60);
      await markSessionEnded(state.it, uid, 60);
      await adapter.destroy(first);
      await adapter.upsert(first, { jti: first, uid, accountId: 'ada' }, 60);
      await adapter.upsert(second, { jti: second, uid, accountId: 'ada' }, 60);
      const found = await Promise.all([adapter.find(first), adapter.find(second), adapter.findByUid(uid)]);
      expect(found).to.deep.equal([undefined, undefined, undefined]);
    });

    it('Session: signed out of while a hundred requests save it, it is gone', async () => {
      const adapter = of('Session');
      for (let round = 0; round < 20; round += 1) {
        const [session, uid] = [id(), id()];
        await adapter.upsert(session, { jti: session, uid }, 60);
        await atOnce(100, async (n) => {
          if (n !== 50) return adapter.upsert(session, { jti: session, uid }, 60);
          await markSessionEnded(state.it, uid, 60);
          await adapter.destroy(session);
        });
        expect(await adapter.find(session)).to.equal(undefined);
        expect(await adapter.findByUid(uid)).to.equal(undefined);
      }
    });

    it('fails for no text: what jsonb cannot hold (NUL, half a character) is kept as something else', async () => {
      const plain = { text: 'a\\u0000\\\\ud800 "\u{1f600}"\n', values: [1.5, true, null] };
      for (const model of ['RefreshToken', 'Grant']) {
        const token = id();
        const sent = { jti: token, plain, nonce: 'a\u0000b', claims: { 'c\u0000': '\ud800', d: '\\\ude00' } };
        await of(model).upsert(token, sent as never, 60);
        const kept = { nonce: 'a\ufffdb', claims: { 'c\ufffd': '\ufffd', d: '\\\ufffd' } };
        expect(await of(model).find(token)).to.deep.equal({ jti: token, plain, ...kept });
      }
    });

    it('DeviceCode: found by its user code', async () => {
      const token = id();
      await of('DeviceCode').upsert(token, { jti: token, userCode: 'ABCD' }, 60);
      expect((await of('DeviceCode').findByUserCode('ABCD'))?.jti).to.equal(token);
      expect(await of('DeviceCode').findByUserCode('NONE')).to.equal(undefined);
      // Saved again by the steps of its own sign-in.
      await of('DeviceCode').upsert(token, { jti: token, userCode: 'ABCD', inFlight: true } as never, 60);
      expect((await of('DeviceCode').findByUserCode('ABCD'))?.['inFlight']).to.equal(true);
    });

    it('DeviceCode: a user code is one device’s, though dice may throw it twice', async () => {
      const tokens = Array.from({ length: 20 }, id);
      const kept = await Promise.all(
        tokens.map((jti) => outcome(of('DeviceCode').upsert(jti, { jti, userCode: 'TWICE' }, 60))),
      );
      expect(kept.filter((one) => one === 'done')).to.have.length(1);
      for (const error of kept.filter((one) => one !== 'done'))
        expect(error).to.be.instanceOf(errors.OIDCProviderError);
      const first = tokens[kept.indexOf('done')];
      expect((await of('DeviceCode').findByUserCode('TWICE'))?.jti).to.equal(first);
      for (const jti of tokens) if (jti !== first) expect(await of('DeviceCode').find(jti)).to.equal(undefined);
    });

    it('the database holds no refresh token that could be presented', async () => {
      const token = id();
      await of('RefreshToken').upsert(token, { jti: token, grantId: id() }, 60);
      const { rows } = await database.it.knex.raw('select row_to_json(a)::text as row from oidc_artefacts a');
      expect(rows.map(({ row }: { row: string }) => row).join()).not.to.contain(token);
    });

    it('ending a person’s sessions takes their grants and refresh tokens', async () => {
      const user = {
        id: id(),
        login: id(),
        name: 'Ada',
        state: 'active' as const,
        alwaysSecondFactor: false,
        factorsVersion: 1,
        offlineFailures: 0,
        wrongNumbers: 0,
        groups: [],
        attributes: {},
        pushPaused: false,
        sessionsValidAfter: 0,
        endedSessions: [],
        createdAt: 0,
      };
      await database.it.records.users.insert(user);
      const [grant, token] = [id(), id()];
      await of('Grant').upsert(grant, { jti: grant, accountId: user.id }, 60);
      await of('RefreshToken').upsert(token, { jti: token, accountId: user.id, grantId: grant }, 60);
      await database.it.records.users.endSessions(user.id);
      expect(await of('Grant').find(grant)).to.equal(undefined);
      expect(await of('RefreshToken').find(token)).to.equal(undefined);
    });

    it('Client: the catalog as it stands, replaced whole', async () => {
      const client = {
        metadata: { client_id: 'payroll' },
        firstParty: true,
        requirePkce: true,
        claims: {},
        profile: 'classic' as const,
        file: 'payroll.yaml',
      };
      clients.replace([client]);
      expect(await of('Client').find('payroll')).to.equal(client.metadata);
      clients.replace([{ ...client, metadata: { client_id: 'other' } }]);
      expect(await of('Client').find('payroll')).to.equal(undefined);
      expect(clients.all().map(({ metadata }) => metadata.client_id)).to.deep.equal(['other']);
      expect(await outcome(of('Client').upsert('x', {}))).to.be.instanceOf(TypeError);
    });
  });
}
