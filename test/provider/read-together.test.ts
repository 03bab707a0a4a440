// A person and her grant read at once: handed out once, in the same request only, never after a write.
import { expect } from 'chai';
import type { Adapter, AdapterPayload, KoaContextWithOIDC } from 'oidc-provider';
import type { User } from '../../src/domain/user.ts';
import { readTogether } from '../../src/provider/read-together.ts';

const user = (id: string) => ({ id, state: 'active' }) as User;

/** An authorization request of a session that has a grant for the service. */
const request = (grantId?: string) =>
  ({
    oidc: { session: { accountId: 'maria', grantIdFor: () => grantId }, client: { clientId: 'demo' } },
  }) as unknown as KoaContextWithOIDC;

function stores(payload: AdapterPayload = {}) {
  const asked: string[] = [];
  let current: KoaContextWithOIDC | undefined;
  const none = async () => undefined;
  const adapter = (model: string): Adapter => ({
    find: async (id) => {
      asked.push(`${model} ${id}`);
      return { ...payload, jti: id };
    },
    upsert: none,
    consume: none,
    destroy: none,
    findByUid: none,
    findByUserCode: none,
    revokeByGrantId: none,
  });
  const together = readTogether(
    {
      byId: async (id) => {
        asked.push(`user ${id}`);
        return user(id);
      },
    },
    async (userId, grantId) => {
      asked.push(`both ${userId} ${grantId}`);
      return { user: user(userId), grant: { jti: grantId } };
    },
    () => current,
  );
  return {
    asked,
    together,
    grants: together.adapter('Grant', adapter('Grant')),
    codes: together.adapter('AuthorizationCode', adapter('AuthorizationCode')),
    tokens: together.adapter('AccessToken', adapter('AccessToken')),
    during: (next: KoaContextWithOIDC | undefined) => {
      current = next;
    },
  };
}

describe('a person and her grant, read together', () => {
  it('at an authorization: one statement, and the next look-up asks again', async () => {
    const { asked, together, grants, during } = stores();
    during(request('g1'));
    expect((await together.users.byId('maria'))?.id).to.equal('maria');
    expect((await grants.find('g1'))?.jti).to.equal('g1');
    expect(asked).to.deep.equal(['both maria g1']);
    await grants.find('g1');
    expect(asked.at(-1)).to.equal('Grant g1');
  });

  it('at a token request: by the code that names both', async () => {
    const { asked, together, grants, codes, during } = stores({ grantId: 'g1', accountId: 'maria' });
    during({ oidc: {} } as KoaContextWithOIDC);
    await codes.find('c');
    await grants.find('g1');
    await together.users.byId('maria');
    expect(asked).to.deep.equal(['AuthorizationCode c', 'both maria g1']);
    await together.users.byId('maria');
    expect(asked.at(-1)).to.equal('user maria');
  });

  it('at userinfo and at introspection, whichever of the two is looked for first', async () => {
    for (const personFirst of [true, false]) {
      const { asked, together, grants, tokens, during } = stores({ grantId: 'g1', accountId: 'maria' });
      during({ oidc: {} } as KoaContextWithOIDC);
      await tokens.find('t');
      const reads = [() => together.users.byId('maria'), () => grants.find('g1')];
      for (const read of personFirst ? reads : reads.reverse()) await read();
      expect(asked).to.deep.equal(['AccessToken t', 'both maria g1']);
      await grants.find('g1');
      await together.users.byId('maria');
      expect(asked.slice(2)).to.deep.equal(['Grant g1', 'user maria']);
    }
  });

  it('never in another request, and never for another person or grant', async () => {
    const { asked, together, grants, during } = stores();
    during(request('g1'));
    await together.users.byId('maria');
    await grants.find('g2');
    await together.users.byId('anna');
    during(request());
    await grants.find('g1');
    await together.users.byId('maria');
    expect(asked).to.deep.equal(['both maria g1', 'Grant g2', 'user anna', 'Grant g1', 'user maria']);
  });

  it('never after the grant was written or destroyed', async () => {
    for (const change of ['upsert', 'destroy'] as const) {
      const { asked, together, grants, during } = stores();
      during(request('g1'));
      await together.users.byId('maria');
      await (change === 'upsert' ? grants.upsert('g1', {}, 60) : grants.destroy('g1'));
      await grants.find('g1');
      expect(asked).to.deep.equal(['both maria g1', 'Grant g1']);
    }
  });

  it('and outside any request each by itself', async () => {
    const { asked, together, grants, during } = stores();
    during(undefined);
    await together.users.byId('maria');
    await grants.find('g1');
    expect(asked).to.deep.equal(['user maria', 'Grant g1']);
  });
});
