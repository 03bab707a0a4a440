// Asks a person's phone to approve a sign-in: opens a transaction and chooses the way (protocol section 5).
import { contextAddress } from '../domain/address.ts';
import { browserName } from '../domain/browser-name.ts';
import type { World } from '../domain/ports.ts';
import { LIFE, type Transaction, type TransactionMode, WRONG_NUMBERS } from '../domain/transaction.ts';
import type { User } from '../domain/user.ts';
import { fingerprint } from '../platform/hashes.ts';
import { type Context, fitContext } from '../protocol/context.ts';

/** Who asks, from where, and for what. Everything but the two headers comes from our own registry. */
export interface Asking {
  userId: string;
  /** uid of the interaction. */
  interaction: string;
  kind: Transaction['kind'];
  /** SHA-256 (base64url) of the browser's binding cookie. */
  bind: string;
  service: { clientId: string; name: string };
  /** Name of the level asked. */
  level: string;
  userAgent?: string;
  ip?: string;
  country?: string;
  /** Value of the known-browser cookie, as it came. */
  knownBrowser?: string;
  /** The way that the person chose; without it we choose. */
  wants?: TransactionMode;
  /** A new transaction even where one of this browser and interaction is still open. */
  fresh?: boolean;
}

/**
 * Why no request goes to the phone where one was wanted: `paused` since the person reported a sign-in, `busy` with the sign-in of another
 * browser, or asked too `often`; then `seconds` until it is open again.
 */
export type HeldPush = { why: 'paused' | 'busy' } | { why: 'often'; seconds: number };

/** `cameraOnly`: too many numbers were typed wrong; only a scan counts until a success. `knownBrowser`: this person has finished here before. */
export type Asked =
  | { ok: true; transaction: Transaction; cameraOnly: boolean; knownBrowser: boolean; held?: HeldPush }
  | { ok: false; why: 'unknown_user' | 'no_phone' };

type Needs = Pick<World, 'records' | 'transactions' | 'limits' | 'push' | 'random' | 'clock' | 'rules'>;

/** Opens a transaction, or answers the one that this browser already has open for this interaction. */
export async function askPhone(world: Needs, asking: Asking): Promise<Asked> {
  const user = await world.records.users.byId(asking.userId);
  if (user?.state !== 'active') return { ok: false, why: 'unknown_user' };
  const phones = await world.records.devices.ofUser(user.id);
  if (!phones.some((phone) => phone.state === 'active')) return { ok: false, why: 'no_phone' };
  const cameraOnly = user.wrongNumbers >= WRONG_NUMBERS;
  const known = asking.knownBrowser
    ? await world.records.knownBrowsers.find(fingerprint(asking.knownBrowser))
    : undefined;
  const knownBrowser = known?.userId === user.id;
  const answer = (transaction: Transaction, held?: HeldPush): Asked => ({
    ok: true,
    transaction,
    cameraOnly,
    knownBrowser,
    ...(held === undefined ? {} : { held }),
  });

  const here = await openHere(world, asking);
  const open = here.findLast((one) => asking.wants === undefined || one.mode === asking.wants);
  if (open && !asking.fresh) return answer(open);
  const { mode, held } = await chooseMode(world, user, asking, { cameraOnly, knownBrowser });
  // Another way was taken: the phone must not show the same sign-in twice.
  for (const one of here) await world.transactions.end(one.id);
  const transaction = await world.transactions.open(await draft(world, asking, mode), LIFE[mode]);
  await world.records.audit.record({
    event: 'transaction_opened',
    outcome: 'success',
    sub: user.id,
    clientId: asking.service.clientId,
    ...(asking.ip ? { ip: asking.ip } : {}),
    ...(asking.userAgent ? { userAgent: asking.userAgent.slice(0, 256) } : {}),
    detail: { mode, kind: asking.kind, level: asking.level },
  });
  await world.transactions.touchUser(user.id);
  if (mode === 'push') world.push.knock(user.id, transaction.id);
  return answer(transaction, held);
}

/** The pending transactions of the same browser, interaction, service and level. */
async function openHere(world: Pick<World, 'transactions'>, asking: Asking): Promise<Transaction[]> {
  const pending = await world.transactions.pendingOf(asking.userId);
  return pending.filter(
    (one) =>
      one.bind === asking.bind &&
      one.interaction === asking.interaction &&
      one.clientId === asking.service.clientId &&
      one.level === asking.level,
  );
}

/**
 * Known browser → push, unknown → QR; push only while its limits and the person's own "not me" allow it.
 * A push of another browser is open: QR, so that a stranger with the password cannot take the owner's place.
 */
async function chooseMode(
  world: Pick<World, 'transactions' | 'limits'>,
  user: User,
  asking: Asking,
  seen: { cameraOnly: boolean; knownBrowser: boolean },
): Promise<{ mode: TransactionMode; held?: HeldPush }> {
  const wanted = asking.wants ?? (seen.knownBrowser ? 'push' : 'qr');
  if (wanted !== 'push') return { mode: wanted };
  if (seen.cameraOnly) return { mode: 'qr' };
  const qr = (held: HeldPush) => ({ mode: 'qr' as const, held });
  if (user.pushPaused) return qr({ why: 'paused' });
  const open = await world.transactions.openModes(user.id);
  if (open.some((one) => one.mode === 'push' && one.bind !== asking.bind)) return qr({ why: 'busy' });
  for (const rule of ['push_short', 'push_day'] as const) {
    const taken = await world.limits.take(rule, user.id);
    if (!taken.ok) return qr({ why: 'often', seconds: taken.retryAfter });
  }
  return { mode: 'push' };
}

async function draft(world: Pick<World, 'random' | 'transactions' | 'rules'>, asking: Asking, mode: TransactionMode) {
  const rules = world.rules();
  return {
    id: world.random.id(),
    userId: asking.userId,
    interaction: asking.interaction,
    kind: asking.kind,
    mode,
    nonce: world.random.id(),
    number: world.random.digits(rules.numberDigits),
    context: contextOf(asking, rules.contextIp, Math.floor((await world.transactions.now()) / 1000)),
    level: asking.level,
    clientId: asking.service.clientId,
    bind: asking.bind,
    qrSecret: world.random.id(32),
  };
}

/** `ctx`, cut to size. @param at whole seconds by the store's clock. */
function contextOf(asking: Asking, wantedIp: 'none' | 'prefix' | 'full', at: number): Context {
  const ip = contextAddress(asking.ip, wantedIp);
  return fitContext({
    rp: asking.service.name,
    browser: browserName(asking.userAgent),
    ...(ip === undefined ? {} : { ip }),
    ...(asking.country === undefined ? {} : { country: asking.country }),
    at,
    level: asking.level,
  });
}
