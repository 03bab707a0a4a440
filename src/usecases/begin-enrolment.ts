// A phone takes up an offer (protocol section 4, E2): the first key claims it, a second key makes it nobody's.
import { addressKey } from '../domain/address.ts';
import type { Enrolment } from '../domain/enrolment.ts';
import type { World } from '../domain/ports.ts';
import { canonicalLogin } from '../domain/user.ts';
import { fingerprint } from '../platform/hashes.ts';
import { utf8 } from '../protocol/bytes.ts';
import { deviceId, type PublicJwk, thumbprint } from '../protocol/derivations.ts';
import { readTypedCode } from '../protocol/links.ts';
import type { EnrolmentOffer } from '../protocol/messages.ts';
import { type Refused, refuse } from './refused.ts';
import { isTypedCode } from './start-enrolment.ts';
import { tellPerson } from './tell-person.ts';

/** Wrong typed codes that one enrolment takes (protocol section 3). */
const CODE_TRIES = 5;

/** Seconds that an enrolment is found after its end, and longer. */
const FINDABLE = 7200;

/** The scanned token, or the typed code with the sign-in name; and the key that signed the message. */
export interface BeginEnrolment {
  by: { token: string } | { code: string; login: string };
  jwk: PublicJwk;
  installId: string;
  /** Address of the phone, for the limit of typed codes. */
  address: string;
}

/** A wrong name and a wrong code are one refusal. */
export type BegunEnrolment =
  | { ok: true; offer: EnrolmentOffer }
  | Refused<
      'enrolment_claimed' | 'enrolment_expired' | 'enrolment_cancelled' | 'device_has_account' | 'too_many_requests'
    >;

type Needs = Pick<World, 'records' | 'enrolments' | 'replays' | 'limits' | 'vault' | 'rules' | 'mailer' | 'log'>;

/** Claims the enrolment for this key; the same key gets the same answer again. */
export async function beginEnrolment(world: Needs, input: BeginEnrolment): Promise<BegunEnrolment> {
  const found =
    'token' in input.by ? await byToken(world, input.by.token) : await byCode(world, input.by, input.address);
  if (!found.ok) return found;
  const { enrolment } = found;
  const print = await thumbprint(input.jwk);
  if (enrolment.claimedBy !== undefined && enrolment.claimedBy !== print) return secondKey(world, enrolment);
  const over = overRefusal(enrolment);
  if (over) return over;
  const install = utf8(`install|${input.installId}`);
  const installHash = world.vault.pepper(install).mac;
  const { accountsPerDevice } = world.rules();
  // Each account beside this one that the installation serves counts; a courtesy to the person, not a defence.
  if (
    (await world.records.devices.othersWithInstall(world.vault.peppersOf(install), enrolment.userId)) >=
    accountsPerDevice
  ) {
    return refuse('device_has_account');
  }
  const move = await world.enrolments.claim(enrolment.id, {
    thumbprint: print,
    jwk: JSON.stringify(input.jwk),
    installHash,
  });
  if (move.ok) return offer(world, move.now, input.jwk);
  if (move.now?.claimedBy !== undefined && move.now.claimedBy !== print) return secondKey(world, move.now);
  return (move.now && overRefusal(move.now)) ?? refuse('enrolment_expired');
}

type Found = { ok: true; enrolment: Enrolment } | Refused<'enrolment_expired' | 'too_many_requests'>;

async function byToken(world: Needs, token: string): Promise<Found> {
  const enrolment = await world.enrolments.findByToken(fingerprint(token));
  return enrolment ? { ok: true, enrolment } : refuse('enrolment_expired');
}

/** Counted per address and per enrolment before anything is compared. An unknown name costs the same look-ups as a known one. */
async function byCode(world: Needs, typed: { code: string; login: string }, address: string): Promise<Found> {
  const limit = await world.limits.take('enrolment_code_address', addressKey(address));
  if (!limit.ok) return refuse('too_many_requests', { retryAfter: limit.retryAfter });
  const code = readTypedCode(typed.code) ?? '';
  const login = canonicalLogin(typed.login);
  const user = await world.records.users.byLogin(login ?? '-');
  const open = await world.enrolments.openOf(user?.id ?? 'nobody');
  const candidates = user && open.length > 0 ? open : [NOBODYS];
  let found: Enrolment | undefined;
  for (const enrolment of candidates) {
    const tries = await world.enrolments.reserve(enrolment.id, 'codeTries');
    const right = isTypedCode(world, enrolment.codeMac, code);
    if (tries === undefined || tries > CODE_TRIES) continue;
    if (right) found = enrolment;
    else if (tries >= CODE_TRIES)
      await world.enrolments.move(enrolment.id, ['shown', 'scanned', 'confirm'], 'cancelled');
  }
  return found ? { ok: true, enrolment: found } : refuse('enrolment_expired');
}

/** Stands in where the name is unknown or nothing is open: the same work, always wrong. */
const NOBODYS = { id: 'nobody', codeMac: '-|AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' } as Enrolment;

/** Two phones hold the same code, and we cannot know which is the person's: neither gets it. After `done` it is an alarm. */
async function secondKey(world: Needs, enrolment: Enrolment): Promise<BegunEnrolment> {
  const { userId: sub } = enrolment;
  const move = await world.enrolments.move(enrolment.id, ['shown', 'scanned', 'confirm'], 'contested');
  const state = move.ok ? 'contested' : move.now?.state;
  if (state !== 'contested' && state !== 'done')
    return (move.now && overRefusal(move.now)) ?? refuse('enrolment_expired');
  await world.records.audit.record({ event: 'enrolment_contested', outcome: 'failure', reason: state, sub });
  // Once: whoever has the code could fill the mailbox, in which this very letter must be seen.
  if (state === 'done' && (await world.replays.first(`second-phone:${enrolment.id}`, FINDABLE)))
    await tellPerson(world, sub, { about: 'enrolment_second_phone', device: enrolment.deviceName });
  return refuse('enrolment_claimed');
}

function overRefusal({
  state,
}: Enrolment): Refused<'enrolment_claimed' | 'enrolment_expired' | 'enrolment_cancelled'> | undefined {
  if (state === 'contested') return refuse('enrolment_claimed');
  if (state === 'cancelled') return refuse('enrolment_cancelled');
  return state === 'done' || state === 'expired' ? refuse('enrolment_expired') : undefined;
}

async function offer(world: Needs, enrolment: Enrolment, jwk: PublicJwk): Promise<BegunEnrolment> {
  const user = await world.records.users.byId(enrolment.userId);
  if (user?.state !== 'active') return refuse('enrolment_expired');
  return {
    ok: true,
    offer: {
      enrolment_id: enrolment.id,
      device_id: await deviceId(jwk),
      nonce: enrolment.nonce,
      device_name: enrolment.deviceName,
      account: user.login,
      salt: enrolment.salt,
      kdf: { name: 'PBKDF2-SHA256', iterations: world.rules().kdfIterations },
      expires_in: Math.max(0, Math.floor((enrolment.expiresAt - (await world.enrolments.now())) / 1000)),
    },
  };
}
