// A token's length tells its kind: one look-up for each introspection, and no token is taken for another kind.
import { expect } from 'chai';
import type { Adapter } from 'oidc-provider';
import { bitsOf, onlyOwnIds } from '../../src/provider/token-ids.ts';

const KINDS = ['AccessToken', 'RefreshToken', 'ClientCredentials'];
const length = (kind: string) => Math.ceil(bitsOf(kind) / 6);

function counting(): { adapter: Adapter; asked: string[] } {
  const asked: string[] = [];
  const none = async () => undefined;
  const adapter: Adapter = {
    find: async (id) => {
      asked.push(id);
      return { jti: id };
    },
    upsert: none,
    consume: none,
    destroy: none,
    findByUid: none,
    findByUserCode: none,
    revokeByGrantId: none,
  };
  return { adapter, asked };
}

describe('token ids', () => {
  it('have 256 bits or more, and another length for each kind', () => {
    for (const kind of [...KINDS, 'AuthorizationCode']) expect(bitsOf(kind)).to.be.at.least(256);
    expect(new Set(KINDS.map(length)).size).to.equal(KINDS.length);
  });

  for (const kind of KINDS) {
    it(`of ${kind}: only those of its length are looked for`, async () => {
      const { adapter, asked } = counting();
      const own = 'a'.repeat(length(kind));
      const find = onlyOwnIds(kind, adapter).find;
      for (const other of KINDS) await find('a'.repeat(length(other)));
      expect(asked).to.deep.equal([own]);
    });
  }

  it('of every other model are looked for as they are', async () => {
    const { adapter, asked } = counting();
    await onlyOwnIds('Grant', adapter).find('short');
    expect(asked).to.deep.equal(['short']);
  });
});
