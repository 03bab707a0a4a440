// A person and her grant are read at once where one request needs both: the second of the two look-ups finds what the first brought.
import Provider, { type Adapter, type AdapterPayload, type KoaContextWithOIDC } from 'oidc-provider';
import type { Users } from '../domain/ports.ts';
import type { User } from '../domain/user.ts';

/** Reads both in one statement; undefined where there is no such person. */
export type ReadBoth = (userId: string, grantId: string) => Promise<{ user: User; grant?: AdapterPayload } | undefined>;

/** What one request knows beforehand, and what was brought along for it. */
interface Brought {
  /** The person by the grant's id, from the code or token that names both, until they were read. */
  personOf: Map<string, string>;
  users: Map<string, User>;
  /** `none`: looked for, and not there. */
  grants: Map<string, AdapterPayload | 'none'>;
}

/** Models that name a person and a grant, and are found before either is looked for. */
const NAMING = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken']);

function take<V>(map: Map<string, V> | undefined, key: string): V | undefined {
  const value = map?.get(key);
  map?.delete(key);
  return value;
}

/** The grant that a token has named beside the person; read with her now, and so named no more. */
function grantNamed(brought: Brought | undefined, userId: string): string | undefined {
  for (const [grantId, person] of brought?.personOf ?? []) {
    if (person !== userId) continue;
    brought?.personOf.delete(grantId);
    return grantId;
  }
  return undefined;
}

/** The grant that the session of this authorization request has for the service that asks. */
function sessionsGrant(ctx: KoaContextWithOIDC | undefined, userId: string): string | undefined {
  const { session, client } = ctx?.oidc ?? {};
  return session && client && session.accountId === userId ? session.grantIdFor(client.clientId) : undefined;
}

/**
 * Wraps the two stores of one provider. What was brought along is handed out once, within its own request only, and is dropped
 * when that request writes the grant: no answer is older than the request that it is given in.
 * @param request the request that runs now.
 */
export function readTogether(
  users: Pick<Users, 'byId'>,
  readBoth: ReadBoth,
  request: () => KoaContextWithOIDC | undefined = () => Provider.ctx,
) {
  const requests = new WeakMap<object, Brought>();
  const here = (): Brought | undefined => {
    const ctx = request();
    if (!ctx) return undefined;
    const known = requests.get(ctx) ?? { personOf: new Map(), users: new Map(), grants: new Map() };
    requests.set(ctx, known);
    return known;
  };

  const byId = async (id: string): Promise<User | undefined> => {
    const brought = here();
    const known = take(brought?.users, id);
    if (known) return known;
    const grantId = grantNamed(brought, id) ?? sessionsGrant(request(), id);
    if (!brought || !grantId) return users.byId(id);
    const both = await readBoth(id, grantId);
    if (both) brought.grants.set(grantId, both.grant ?? 'none');
    return both?.user;
  };

  const findGrant = async (adapter: Adapter, id: string) => {
    const brought = here();
    const known = take(brought?.grants, id);
    if (known) return known === 'none' ? undefined : known;
    const userId = take(brought?.personOf, id);
    const both = userId === undefined ? undefined : await readBoth(userId, id);
    if (!both) return adapter.find(id);
    brought?.users.set(both.user.id, both.user);
    return both.grant;
  };

  function naming(adapter: Adapter): Adapter {
    const find = async (id: string) => {
      const found = await adapter.find(id);
      if (found?.grantId && found.accountId) here()?.personOf.set(found.grantId, found.accountId);
      return found;
    };
    return replacing(adapter, { find });
  }

  function grants(adapter: Adapter): Adapter {
    const forget = (id: string) => void here()?.grants.delete(id);
    return replacing(adapter, {
      find: (id) => findGrant(adapter, id),
      upsert: (id, payload, expiresIn) => {
        forget(id);
        return adapter.upsert(id, payload, expiresIn);
      },
      destroy: (id) => {
        forget(id);
        return adapter.destroy(id);
      },
    });
  }

  return {
    users: { byId },
    adapter: (model: string, adapter: Adapter): Adapter =>
      model === 'Grant' ? grants(adapter) : NAMING.has(model) ? naming(adapter) : adapter,
  };
}

function replacing(adapter: Adapter, own: Partial<Adapter>): Adapter {
  return new Proxy(adapter, {
    get: (target, name, receiver) => Reflect.get(own, name) ?? Reflect.get(target, name, receiver),
  });
}
