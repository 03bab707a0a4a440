// Asks a person's phone for a service that has no browser of theirs (OpenID CIBA Core 1.0; protocol section 5.6).

import type { AuditEvent } from '../domain/audit.ts';
import { BACKCHANNEL_LONGEST, readBinding } from '../domain/backchannel.ts';
import { deliveryAad } from '../domain/delivery.ts';
import type { World } from '../domain/ports.ts';
import { type Transaction, WRONG_NUMBERS } from '../domain/transaction.ts';
import type { User } from '../domain/user.ts';
import { fingerprint } from '../platform/hashes.ts';
import { fitContext } from '../protocol/context.ts';

/** What a service asks. */
export interface BackchannelAsking {
  /** The `auth_req_id`: the service's own secret, which the phone never learns. */
  authReqId: string;
  userId: string;
  service: { clientId: string; name: string };
  /** Name of the level, and whether it is above the lowest one. */
  level: string;
  aboveLowest: boolean;
  /** A `binding_message` that {@link bindingFault} let through; empty where there is none. */
  message: string;
  /** Seconds. */
  life: number;
  /** For a service that wants to be told of the answer (ping mode): the bearer token that it gave us. */
  notificationToken?: string;
  /** Why it needs its level and which request it was, for the audit. */
  audit?: Pick<AuditEvent, 'requestId' | 'levels'>;
}

/** `no_number`: the level needs the number in the message. `busy`: another request is open, or too many came. `paused`: the person said "it was not me". */
export type BackchannelAsked =
  | { ok: true; transaction: Transaction }
  | { ok: false; why: 'unknown_user' | 'no_phone' | 'no_number' | 'number_closed' | 'paused' | 'busy' };

type Needs = Pick<World, 'records' | 'transactions' | 'limits' | 'push' | 'random' | 'vault' | 'rules'>;

/** The transaction of an `auth_req_id`: whoever knows the one finds the other, and never the way back. */
export function backchannelTransaction(authReqId: string): { id: string; bind: string; interaction: string } {
  const hash = fingerprint(`ciba:${authReqId}`);
  // 128 bits, as every transaction's id has.
  return { id: Buffer.from(hash, 'base64url').subarray(0, 16).toString('base64url'), bind: hash, interaction: 'ciba' };
}

/** Opens the transaction and knocks at the phones. */
export async function askByBackchannel(world: Needs, asking: BackchannelAsking): Promise<BackchannelAsked> {
  const user = await world.records.users.byId(asking.userId);
  if (user?.state !== 'active') return { ok: false, why: 'unknown_user' };
  const phones = await world.records.devices.ofUser(user.id);
  if (!phones.some((phone) => phone.state === 'active')) return { ok: false, why: 'no_phone' };
  const binding = readBinding(asking.message, world.rules().numberDigits);
  if (asking.aboveLowest && binding.number === undefined) return { ok: false, why: 'no_number' };
  if (binding.number !== undefined && user.wrongNumbers >= WRONG_NUMBERS) return { ok: false, why: 'number_closed' };
  if (user.pushPaused) return { ok: false, why: 'paused' };
  if (!(await mayKnock(world, user))) return { ok: false, why: 'busy' };
  const transaction = await open(world, asking, binding);
  await world.records.audit.record({
    event: 'transaction_opened',
    outcome: 'success',
    sub: user.id,
    clientId: asking.service.clientId,
    ...asking.audit,
    // The message itself may hold what is nobody else's business, such as the number.
    detail: {
      mode: 'push',
      kind: 'ciba',
      level: asking.level,
      transaction: transaction.id,
      message: asking.message !== '',
      number: binding.number !== undefined,
    },
  });
  await world.transactions.touchUser(user.id);
  world.push.knock(user.id, transaction.id);
  return { ok: true, transaction };
}

/** The limits of a push: one open, three in ten minutes, ten a day. A service takes nobody's place: the open one stays. */
async function mayKnock(world: Pick<World, 'transactions' | 'limits'>, user: User): Promise<boolean> {
  const open = await world.transactions.openModes(user.id);
  if (open.some(({ mode }) => mode === 'push')) return false;
  if (!(await world.limits.take('push_short', user.id)).ok) return false;
  return (await world.limits.take('push_day', user.id)).ok;
}

async function open(
  world: Needs,
  asking: BackchannelAsking,
  binding: { shown: string; number?: string },
): Promise<Transaction> {
  const { id, bind, interaction } = backchannelTransaction(asking.authReqId);
  const life = Math.min(asking.life, BACKCHANNEL_LONGEST);
  const { notificationToken } = asking;
  if (notificationToken !== undefined) {
    const told = JSON.stringify({ authReqId: asking.authReqId, token: notificationToken });
    const content = world.vault.seal(Buffer.from(told), deliveryAad(id));
    const { clientId } = asking.service;
    // It waits for the answer; an hour is enough for a service that is away for a while.
    await world.records.deliveries.add({ id, kind: 'ciba_ping', clientId, content }, { expiresIn: life + 3600 });
  }
  const context = fitContext({
    rp: asking.service.name,
    // No browser is part of it, and the phone says so.
    browser: '',
    at: Math.floor((await world.transactions.now()) / 1000),
    level: asking.level,
    ...(binding.shown === '' ? {} : { binding: binding.shown }),
  });
  const draft = {
    id,
    bind,
    interaction,
    userId: asking.userId,
    kind: 'ciba' as const,
    mode: 'push' as const,
    nonce: world.random.id(),
    number: binding.number ?? '',
    context,
    level: asking.level,
    clientId: asking.service.clientId,
    qrSecret: world.random.id(32),
  };
  return world.transactions.open(draft, life);
}
