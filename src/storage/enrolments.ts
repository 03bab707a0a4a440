// Offers to add a phone, kept as records of the state (protocol section 4). Every move is one compare-and-set.
import { type Enrolment, type EnrolmentState, enrolmentEnded } from '../domain/enrolment.ts';
import type { Enrolments, Move } from '../domain/ports.ts';
import { type Changed, isId, type Read, type State } from './state/state.ts';

/** An enrolment stays findable this long: a second key after the end must be noticed (seconds). */
const KEPT = 3600;
/** Tries that are ever handed out, whatever the caller does with the count. */
const TRIES = { pinTries: 3, codeTries: 5, checkTries: 3 } as const;

const OPEN: readonly EnrolmentState[] = ['shown', 'scanned', 'confirm'];
const INTEGERS = new Set(['factorsVersion', 'pinTries', 'codeTries', 'checkTries', 'expiresAt']);
const ALIVE = { field: 'expiresAt' };

function toFields(enrolment: object): Record<string, string> {
  const entries = Object.entries(enrolment).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

function toEnrolment(read: Read, pinHash?: string): Enrolment {
  const entries = Object.entries(read.fields).map(([name, text]) => [name, INTEGERS.has(name) ? Number(text) : text]);
  const enrolment = Object.fromEntries(entries) as Enrolment;
  const over = !enrolmentEnded(enrolment.state) && enrolment.expiresAt <= read.now;
  const state = over ? 'expired' : enrolment.state;
  return { ...enrolment, state, ...(pinHash && !enrolmentEnded(state) ? { pinHash } : {}) };
}

/** The port {@link Enrolments} on a state. */
export function createEnrolments(state: State): Enrolments {
  const key = (id: string) => `enr:${state.epoch()}:${id}`;
  // The PIN's hash has a key of its own whose time to live is the enrolment's: it is gone also where nobody ends it.
  const pinKey = (id: string) => `enr-pin:${state.epoch()}:${id}`;
  const tokenKey = (hash: string) => `enr-token:${state.epoch()}:${hash}`;
  const ofUser = (userId: string) => `enr-user:${state.epoch()}:${userId}`;
  const topic = (id: string) => `enr:${id}`;

  async function find(id: string): Promise<Enrolment | undefined> {
    if (!isId(id)) return undefined;
    const [read, pinHash] = await Promise.all([state.read(key(id)), state.get(pinKey(id))]);
    return read && toEnrolment(read, pinHash);
  }

  async function toMove(id: string, changed: Changed): Promise<Move<Enrolment>> {
    if (!changed.ok) return { ok: false, now: changed.now && toEnrolment(changed.now) };
    const ended = enrolmentEnded(toEnrolment(changed.now).state);
    if (ended) await state.delete(pinKey(id));
    return { ok: true, now: toEnrolment(changed.now, ended ? undefined : await state.get(pinKey(id))) };
  }

  return {
    now: () => state.now(),
    find,
    async open(enrolment, lifeSeconds) {
      const { pinHash, ...rest } = enrolment;
      const { id, userId, tokenHash } = rest;
      const fields = toFields({ ...rest, state: 'shown', pinTries: 0, codeTries: 0, checkTries: 0 });
      const [written] = await Promise.all([
        state.write(key(id), fields, KEPT, { expiresAt: lifeSeconds * 1000 }),
        state.set(tokenKey(tokenHash), id, KEPT),
        state.enlist(ofUser(userId), id, KEPT),
        ...(pinHash ? [state.set(pinKey(id), pinHash, lifeSeconds)] : []),
      ]);
      return toEnrolment(written, pinHash);
    },
    async findByToken(tokenHash) {
      const id = isId(tokenHash) ? await state.get(tokenKey(tokenHash)) : undefined;
      return id === undefined ? undefined : find(id);
    },
    async openOf(userId) {
      const found = await Promise.all((await state.members(ofUser(userId))).map(find));
      return found
        .filter((enrolment) => enrolment !== undefined)
        .filter((enrolment) => !enrolmentEnded(enrolment.state));
    },
    async claim(id, by) {
      const changed = await state.change(key(id), {
        when: { state: ['shown'] },
        absent: ['claimedBy'],
        alive: ALIVE,
        sets: { state: 'scanned', claimedBy: by.thumbprint, claimedJwk: by.jwk, installHash: by.installHash },
        tells: [{ topic: topic(id), message: 'scanned' }],
      });
      const stands = changed.now && toEnrolment(changed.now);
      // The key that claimed it asks again after a lost answer.
      const again = stands?.claimedBy === by.thumbprint && (stands.state === 'scanned' || stands.state === 'confirm');
      return toMove(id, again && changed.now ? { ok: true, now: changed.now } : changed);
    },
    async move(id, from, to, set = {}) {
      const { check, lifeSeconds } = set;
      const changed = await state.change(key(id), {
        when: { state: from },
        alive: ALIVE,
        sets: { state: to, ...(check === undefined ? {} : { check }) },
        stamps: lifeSeconds === undefined ? {} : { expiresAt: lifeSeconds * 1000 },
        tells: [{ topic: topic(id), message: to }],
      });
      return toMove(id, changed);
    },
    async reserve(id, what) {
      const changed = await state.change(key(id), {
        when: { state: OPEN },
        alive: ALIVE,
        below: { [what]: TRIES[what] },
        adds: { [what]: 1 },
      });
      return changed.ok ? toEnrolment(changed.now)[what] : undefined;
    },
    watch: (id, listener) =>
      state.subscribe(topic(id), (message) => {
        if (message !== '') return listener(message as EnrolmentState);
        find(id).then(
          (enrolment) => listener(enrolment?.state ?? 'expired'),
          () => undefined,
        );
      }),
  };
}
