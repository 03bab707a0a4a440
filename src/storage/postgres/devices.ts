// Phones in the database. Statements are those of protocol section 6: each one is atomic, and its answer is obeyed.
import type { Device, PinVerifier, Sealed } from '../../domain/device.ts';
import type { Devices, PinReservation } from '../../domain/ports.ts';
import type { WebauthnCredential } from '../../platform/webauthn.ts';
import type { PublicJwk } from '../../protocol/derivations.ts';
import type { Kdf } from '../../protocol/messages.ts';
import { type Bound, type Db, one, rows } from './statement.ts';

const COLUMNS = `id, user_id, name, public_jwk, platform, state, lock_reason, salt, kdf, pin_failures, added_at, last_used_at,
  push is not null as has_push, biometric is not null as has_biometric,
  (select users.state = 'disabled' from users where users.id = devices.user_id) as owner_disabled`;

/** Wrong PINs in a row at which a device locks: `PIN_TRIES` of the domain, as the protocol's SQL writes it. */
const TRIES = 5;

interface DeviceRow {
  id: string;
  user_id: string;
  name: string;
  public_jwk: PublicJwk;
  platform: string;
  state: Device['state'];
  lock_reason: 'pin' | 'cloned' | null;
  salt: string;
  kdf: Kdf;
  pin_failures: number;
  added_at: Date;
  last_used_at: Date | null;
  has_push: boolean;
  has_biometric: boolean;
  owner_disabled: boolean | null;
}

function toDevice(row: DeviceRow): Device {
  return {
    id: row.id,
    userId: row.user_id,
    name: row.name,
    publicJwk: row.public_jwk,
    platform: row.platform,
    state: row.state,
    ...(row.lock_reason === null ? {} : { lockReason: row.lock_reason }),
    salt: row.salt,
    kdf: row.kdf,
    pinFailures: row.pin_failures,
    addedAt: row.added_at.getTime(),
    ...(row.last_used_at === null ? {} : { lastUsedAt: row.last_used_at.getTime() }),
    push: row.has_push,
    biometric: row.has_biometric,
    ...(row.owner_disabled ? { ownerDisabled: true } : {}),
  };
}

/** The right PIN (protocol section 6): the count as it was reserved is cleared, the ratchet moves. */
const SETTLED = `pin_failures = case when pin_failures = ? then 0 else greatest(pin_failures - 1, 0) end,
  pin_blocked_until = case when pin_failures = ? then '-infinity' else pin_blocked_until end,
  ratchet_prev = ?, ratchet = ?, last_used_at = clock_timestamp()`;
/** In place of a hash: the next right PIN or biometric sets the ratchet anew (`reopenRatchets`). No hash is as short. */
const ANY = 'any';
const KNOWN = `(? in (ratchet, ratchet_prev) or ratchet = '${ANY}')`;
const PRESENTED = `id = ? and state = 'active' and ${KNOWN}`;

async function reservePin(db: Db, id: string): Promise<PinReservation> {
  const reserved = await rows<{ pin_failures: number; verifier: PinVerifier }>(
    db,
    `update devices set pin_failures = pin_failures + 1,
       pin_blocked_until = case when pin_failures + 1 >= 3
         then clock_timestamp() + make_interval(secs => 60 * power(2, pin_failures - 2)) else pin_blocked_until end
     where id = ? and state = 'active' and pin_failures < ${TRIES} and pin_blocked_until <= clock_timestamp()
     returning pin_failures, verifier`,
    [id],
  );
  const [first] = reserved;
  if (first) return { ok: true, failures: first.pin_failures, verifier: first.verifier };
  const [stands] = await rows<{ state: Device['state']; pin_failures: number; wait: number }>(
    db,
    `select state, pin_failures, case when pin_blocked_until > clock_timestamp()
       then ceil(extract(epoch from pin_blocked_until - clock_timestamp()))::integer else 1 end as wait
     from devices where id = ?`,
    [id],
  );
  if (!stands || stands.state === 'removed') return { ok: false, why: 'removed' };
  if (stands.state === 'locked' || stands.pin_failures >= TRIES) return { ok: false, why: 'locked' };
  return { ok: false, why: 'blocked', retryAfter: stands.wait };
}

/** The port {@link Devices}. */
export function createDevices(db: Db): Devices {
  const select = async (rest: string, bindings: string[]) =>
    (await rows<DeviceRow>(db, `select ${COLUMNS} from devices ${rest}`, bindings)).map(toDevice);
  const update = (set: string, where: string, bindings: Bound[]) =>
    one(db, `update devices set ${set} where ${where} returning id`, bindings);

  return {
    byId: async (id) => (await select('where id = ?', [id]))[0],
    ofUser: (userId) => select(`where user_id = ? and state in ('active', 'locked') order by added_at, id`, [userId]),
    async othersWithInstall(installHashes, userId) {
      const found = await rows<{ count: number }>(
        db,
        `select count(*)::integer as count from devices where install_hash in (select jsonb_array_elements_text(?::jsonb)) and user_id <> ? and state in ('active', 'locked')`,
        [JSON.stringify(installHashes), userId],
      );
      return found[0]?.count ?? 0;
    },
    insert: ({ device, installHash, verifier, offline, ratchet }) =>
      one(
        db,
        `insert into devices (id, user_id, name, public_jwk, platform, state, lock_reason, salt, kdf, install_hash, verifier,
           offline_key, ratchet, pin_failures, added_at)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing returning id`,
        [
          device.id,
          device.userId,
          device.name,
          JSON.stringify(device.publicJwk),
          device.platform,
          device.state,
          device.lockReason ?? null,
          device.salt,
          JSON.stringify(device.kdf),
          installHash,
          JSON.stringify(verifier),
          JSON.stringify(offline),
          ratchet,
          device.pinFailures,
          new Date(device.addedAt),
        ],
      ),
    rename: (id, userId, name) =>
      update('name = ?', `id = ? and user_id = ? and state <> 'removed'`, [name, id, userId]),
    remove: (id, userId) =>
      update(
        `state = 'removed', verifier = null, offline_key = null, ratchet = null, ratchet_prev = null, push = null, biometric = null`,
        `id = ? and user_id = ? and state <> 'removed'`,
        [id, userId],
      ),
    commitCounter: (id, counter) =>
      update('counter = ?', `id = ? and state <> 'removed' and counter < ?`, [counter, id, counter]),
    ratchetKnown: (id, presented) =>
      one(db, `select id from devices where id = ? and state <> 'removed' and ${KNOWN}`, [id, presented]),
    reopenRatchets: async () =>
      (
        await rows(
          db,
          `update devices set ratchet = '${ANY}', ratchet_prev = null where state <> 'removed' returning id`,
          [],
        )
      ).length,
    reservePin: (id) => reservePin(db, id),
    settleRightPin: (id, n, presented, next, verifier) =>
      update(`${SETTLED}, verifier = ?`, PRESENTED, [n, n, presented, next, JSON.stringify(verifier), id, presented]),
    async biometric(id) {
      const found = await rows<{ biometric: WebauthnCredential | null }>(
        db,
        `select biometric from devices where id = ? and state = 'active'`,
        [id],
      );
      return found[0]?.biometric ?? undefined;
    },
    setBiometric: (id, ratchet, credential) =>
      update('biometric = ?', `id = ? and state = 'active' and ratchet = ?`, [JSON.stringify(credential), id, ratchet]),
    clearBiometric: (id) => update('biometric = null', 'id = ? and biometric is not null', [id]),
    settleBiometric: (id, { credentialId, counter, presented, next }) =>
      update(
        `ratchet_prev = ?, ratchet = ?, last_used_at = clock_timestamp(),
         biometric = jsonb_set(biometric, '{counter}', ?::jsonb)`,
        `${PRESENTED} and biometric ->> 'credential_id' = ?`,
        [presented, next, String(counter), id, presented, credentialId],
      ),
    lockAfterWrongPin: (id) =>
      update(`state = 'locked', lock_reason = 'pin'`, `id = ? and state = 'active' and pin_failures >= ${TRIES}`, [id]),
    lockCloned: (id) =>
      update(
        `state = 'locked', lock_reason = 'cloned', biometric = null`,
        `id = ? and state in ('active', 'locked') and lock_reason is distinct from 'cloned'`,
        [id],
      ),
    unlock: (id, userId) =>
      update(
        `state = 'active', lock_reason = null, pin_failures = 3, pin_blocked_until = '-infinity'`,
        `id = ? and user_id = ? and state = 'locked' and lock_reason = 'pin'`,
        [id, userId],
      ),
    async offlineKey(id) {
      const found = await rows<{ offline_key: Sealed | null }>(
        db,
        `select offline_key from devices where id = ? and state = 'active'`,
        [id],
      );
      return found[0]?.offline_key ?? undefined;
    },
    changePin: (id, n, presented, next, verifier, offline) =>
      update(`${SETTLED}, verifier = ?, offline_key = ?, biometric = null`, PRESENTED, [
        n,
        n,
        presented,
        next,
        JSON.stringify(verifier),
        JSON.stringify(offline),
        id,
        presented,
      ]),
    async touch(id) {
      await update('last_used_at = clock_timestamp()', 'id = ?', [id]);
    },
    setPush: (id, subscription) =>
      update('push = ?', `id = ? and state <> 'removed'`, [subscription ? JSON.stringify(subscription) : null, id]),
    async pushOf(userId) {
      const found = await rows<{ id: string; push: Sealed }>(
        db,
        `select id, push from devices where user_id = ? and state = 'active' and push is not null`,
        [userId],
      );
      return found.map(({ id, push }) => ({ id, subscription: push }));
    },
    dropPush: (id, { nonce }) => update('push = null', `id = ? and push->>'nonce' = ?`, [id, nonce]),
  };
}
