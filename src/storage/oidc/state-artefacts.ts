// Models that may be lost: sessions, interactions, codes and access tokens, in the state.
import { type AdapterPayload, errors } from 'oidc-provider';
import { fingerprint } from '../../platform/hashes.ts';
import { isId, type State } from '../state/state.ts';
import type { Artefacts } from './database-artefacts.ts';
import type { ModelPlace } from './models.ts';

/** The mark of a session that was signed out of, by its uid: that outlives a change of its id. */
const endedKey = (uid: string) => `oidc:SessionEnded:${fingerprint(uid)}`;

/**
 * Signs a session out for good: to be called before the session is destroyed. A request that loaded it before and saves it
 * afterwards, perhaps under a new id, would otherwise bring it back to life.
 * @param seconds how long such a request could still come: the session's remaining life.
 */
export async function markSessionEnded(state: State, uid: string, seconds: number): Promise<void> {
  await state.set(endedKey(uid), '1', Math.max(600, Math.ceil(seconds)));
}

/** For the models that may come without a time to live, in seconds. */
const TEN_YEARS = 315_360_000;

/** Artefacts of one model in the state, with the two ways to find one that is not by id. */
export interface StateArtefacts extends Artefacts {
  findByUid(uid: string): Promise<AdapterPayload | undefined>;
  findByUserCode(userCode: string): Promise<AdapterPayload | undefined>;
}

/** Artefacts of one model in the state. @param revokeFamily revokes all that a grant has given. */
export function stateArtefacts(
  state: State,
  model: string,
  place: ModelPlace,
  revokeFamily: (grantId: string) => Promise<void>,
): StateArtefacts {
  const typed = (name: string) => (place.epochal ? `oidc:${name}:${state.epoch()}` : `oidc:${name}`);
  // Hashed: keys turn up in slow logs and dumps, and hashed ones all have one length.
  const key = (id: string) => `${typed(model)}:${fingerprint(id)}`;
  const pointer = (kind: string, value: string) => `${typed(kind)}:${fingerprint(value)}`;
  const index = (grantId: string) => `oidc:grant:${model}:${fingerprint(grantId)}`;

  function put(id: string, payload: AdapterPayload, ttl: number): Promise<unknown> {
    if (place.consumable) {
      const { grantId } = payload;
      return state.write(key(id), { p: withoutId(payload), ...(grantId ? { g: grantId } : {}) }, ttl);
    }
    const text = place.bearer ? withoutId(payload) : JSON.stringify(payload);
    // An interaction with a result was there before. Writing it anew after it was spent would let it be spent again.
    if (model === 'Interaction' && payload.result !== undefined) {
      return state.replace(key(id), text, ttl).then((existed) => {
        if (!existed) throw new errors.SessionNotFound('interaction session not found');
      });
    }
    return state.set(key(id), text, ttl);
  }

  /**
   * Saves a session unless it was signed out of meanwhile. The mark is read after the value was written, and sign-out writes
   * the mark before it deletes the value: whichever comes first, one of the two deletes it.
   */
  async function putSession(id: string, payload: AdapterPayload, uid: string, ttl: number): Promise<void> {
    const [, , ended] = await Promise.all([
      state.set(pointer('SessionUid', uid), id, ttl),
      put(id, payload, ttl),
      state.get(endedKey(uid)),
    ]);
    if (ended !== undefined) await Promise.all([state.delete(key(id)), state.delete(pointer('SessionUid', uid))]);
  }

  /**
   * A user code is short, and dice may throw it twice. It stays with the first: else its person would sign in a device of somebody
   * else, who only has to ask for codes often enough (RFC 8628 section 5.1).
   */
  async function keepUserCode(userCode: string, id: string, ttl: number): Promise<void> {
    const place = pointer('UserCode', userCode);
    if (await state.add(place, id, ttl)) return;
    if ((await state.get(place)) !== id) throw new errors.TemporarilyUnavailable('no code could be made; ask again');
    await state.set(place, id, ttl);
  }

  async function find(id: string): Promise<AdapterPayload | undefined> {
    if (!isId(id)) return undefined;
    if (!place.consumable) {
      const text = await state.get(key(id));
      return text === undefined ? undefined : { ...(JSON.parse(text) as AdapterPayload), jti: id };
    }
    const { p, c } = (await state.read(key(id)))?.fields ?? {};
    if (p === undefined) return undefined;
    const consumed = c === undefined ? {} : { consumed: Math.floor(Number(c) / 1000) };
    return { ...(JSON.parse(p) as AdapterPayload), jti: id, ...consumed };
  }

  async function follow(kind: string, value: string): Promise<AdapterPayload | undefined> {
    const id = await state.get(pointer(kind, value));
    return id === undefined ? undefined : find(id);
  }

  return {
    find,
    findByUid: (uid) => follow('SessionUid', uid),
    findByUserCode: (userCode) => follow('UserCode', userCode),
    async upsert(id, payload, expiresIn = TEN_YEARS) {
      const ttl = Math.max(1, Math.ceil(expiresIn)) + (place.lingers ?? 0);
      const { grantId, uid, userCode } = payload;
      if (model === 'Session' && uid) return putSession(id, payload, uid, ttl);
      if (userCode) await keepUserCode(userCode, id, ttl);
      // Issued together: one write to Redis. The index is written first, so that nothing can be found and not revoked.
      await Promise.all([
        place.grantable && grantId ? state.enlist(index(grantId), key(id), ttl) : undefined,
        put(id, payload, ttl),
      ]);
    },
    async consume(id) {
      const changed = await state.change(key(id), { absent: ['c'], stamps: { c: 0 } });
      if (changed.ok) return;
      const grantId = changed.now?.fields.g;
      if (grantId && !place.polled) await revokeFamily(grantId);
      if (model === 'PushedAuthorizationRequest') {
        throw new errors.InvalidRequestUri('request_uri is invalid, expired, or was already used');
      }
      throw new errors.InvalidGrant(`${model} already used`);
    },
    async destroy(id) {
      const existed = await state.delete(key(id));
      // Resuming spends the interaction: of a hundred at once, one goes on.
      if (model === 'Interaction' && !existed) throw new errors.SessionNotFound('interaction session not found');
    },
    async revokeByGrantId(grantId) {
      const members = await state.members(index(grantId));
      await Promise.all([...members, index(grantId)].map((member) => state.delete(member)));
    },
  };
}

function withoutId(payload: AdapterPayload): string {
  const { jti: _secret, ...rest } = payload;
  return JSON.stringify(rest);
}
