// Sign-in requests to phones, kept as records of the state (protocol section 5). Every move is one compare-and-set.
import type { Move, Transactions } from '../domain/ports.ts';
import { LIFE, OFFLINE_TRIES, type Transaction, type TransactionState } from '../domain/transaction.ts';
import { type Change, type Changed, type Fields, isId, type Read, type State } from './state/state.ts';

/** A transaction stays findable this long after the longest possible life, so that a late phone hears how it ended (seconds). */
const KEPT = LIFE.whole + 300;
/** An approval that came in the last moment may still be finished by its browser for so long (milliseconds). */
const FINISHING = 60_000;
/**
 * Open transactions that nobody was called for, by code (protocol section 5, Limits): the oldest ends. A push is none of them: whoever
 * has the password could end the one that the owner was just asked by.
 */
const OPEN_PER_USER = 10;
const OPEN_PER_BROWSER = 5;

const INTEGERS = new Set(['startedAt', 'expiresAt', 'codeTries']);
const ALIVE = { field: 'expiresAt' };

function toFields(transaction: object): Record<string, string> {
  const entries = Object.entries(transaction).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, name === 'context' ? JSON.stringify(value) : String(value)]),
  );
}

function toTransaction(read: Read): Transaction {
  const entries = Object.entries(read.fields).map(([name, text]) => {
    if (name === 'context') return [name, JSON.parse(text)];
    return [name, INTEGERS.has(name) ? Number(text) : text];
  });
  const transaction = Object.fromEntries(entries) as Transaction;
  const over = transaction.state === 'pending' && transaction.expiresAt <= read.now;
  return over ? { ...transaction, state: 'expired' } : transaction;
}

function toMove(changed: Changed): Move<Transaction> {
  if (changed.ok) return { ok: true, now: toTransaction(changed.now) };
  return { ok: false, now: changed.now && toTransaction(changed.now) };
}

/** The port {@link Transactions} on a state. */
export function createTransactions(state: State): Transactions {
  const key = (id: string) => `txn:${state.epoch()}:${id}`;
  const ofUser = (userId: string) => `txn-user:${state.epoch()}:${userId}`;
  const ofBrowser = (bind: string) => `txn-browser:${state.epoch()}:${bind}`;
  const topic = (id: string) => `txn:${id}`;
  const userTopic = 'user:';

  const tells = (id: string, to: TransactionState) => [
    { topic: topic(id), message: to },
    { topic: userTopic, field: 'userId', message: 'changed' },
  ];

  async function find(id: string): Promise<Transaction | undefined> {
    const read = isId(id) ? await state.read(key(id)) : undefined;
    return read && toTransaction(read);
  }

  async function move(id: string, to: TransactionState, change: Change, sets: Fields = {}): Promise<Move<Transaction>> {
    return toMove(await state.change(key(id), { ...change, sets: { ...sets, state: to }, tells: tells(id, to) }));
  }

  async function pendingIn(index: string): Promise<Transaction[]> {
    const found = await Promise.all((await state.members(index)).map(find));
    return found
      .filter((transaction) => transaction !== undefined)
      .filter((transaction) => transaction.state === 'pending')
      .sort((a, b) => a.startedAt - b.startedAt);
  }

  const end = async (id: string): Promise<void> => {
    await move(id, 'expired', { when: { state: ['pending'] } });
  };

  /** The open transactions that must give way to a new one. */
  async function displaced(userId: string, bind: string, isPush: boolean): Promise<Set<string>> {
    const [mine, here] = await Promise.all([pendingIn(ofUser(userId)), pendingIn(ofBrowser(bind))]);
    const sameKind = mine.filter(({ mode }) => (mode === 'push') === isPush);
    const most = isPush ? 1 : OPEN_PER_USER;
    const oldest = [
      ...sameKind.slice(0, Math.max(0, sameKind.length - most + 1)),
      ...here.slice(0, Math.max(0, here.length - OPEN_PER_BROWSER + 1)),
    ];
    return new Set(oldest.map(({ id }) => id));
  }

  return {
    now: () => state.now(),
    find,
    end,
    async open(transaction, lifeSeconds) {
      const { id, userId, bind, mode } = transaction;
      const giveWay = await displaced(userId, bind, mode === 'push');
      const fields = toFields({ ...transaction, state: 'pending', codeTries: 0 });
      const stamps = { startedAt: 0, expiresAt: lifeSeconds * 1000 };
      const [written] = await Promise.all([
        state.write(key(id), fields, KEPT, stamps),
        state.enlist(ofUser(userId), id, LIFE.whole),
        state.enlist(ofBrowser(bind), id, LIFE.whole),
        ...[...giveWay].map(end),
      ]);
      await state.publish(userTopic + userId, 'changed');
      return toTransaction(written);
    },
    pendingOf: (userId) => pendingIn(ofUser(userId)),
    claim: (id, deviceId) =>
      move(
        id,
        'pending',
        { when: { state: ['pending'] }, alive: ALIVE, absentOr: { claimedBy: deviceId } },
        { claimedBy: deviceId },
      ),
    opened: (id, deviceId) =>
      move(id, 'pending', { when: { state: ['pending'] }, alive: ALIVE }, { openedBy: deviceId }),
    answer: (id, to, by) =>
      move(id, to, { when: { state: ['pending'] }, alive: ALIVE }, by ? { device: by.device, means: by.means } : {}),
    consume: (id, bind, interaction) =>
      move(id, 'consumed', {
        when: { state: ['approved'], bind: [bind], interaction: [interaction] },
        alive: { ...ALIVE, graceMs: FINISHING },
      }),
    async extend(id, bind) {
      const changed = await state.change(key(id), {
        when: { state: ['pending'], bind: [bind] },
        alive: ALIVE,
        raise: { field: 'expiresAt', by: LIFE.extension * 1000, from: 'startedAt', whole: LIFE.whole * 1000 },
        tells: tells(id, 'pending'),
      });
      return toMove(changed);
    },
    async reserveCode(id) {
      const changed = await state.change(key(id), {
        when: { state: ['pending'] },
        alive: ALIVE,
        below: { codeTries: OFFLINE_TRIES },
        adds: { codeTries: 1 },
      });
      return changed.ok ? toTransaction(changed.now).codeTries : undefined;
    },
    watch: (id, listener) =>
      state.subscribe(topic(id), (message) => {
        if (message !== '') return listener(message as TransactionState);
        // Something may have been missed: say where it stands.
        find(id).then(
          (transaction) => listener(transaction?.state ?? 'expired'),
          () => undefined,
        );
      }),
    watchUser: (userId, listener) => state.subscribe(userTopic + userId, () => listener()),
    touchUser: (userId) => state.publish(userTopic + userId, 'changed'),
    async openModes(userId) {
      return (await pendingIn(ofUser(userId))).map(({ id, mode, bind }) => ({ id, mode, bind }));
    },
  };
}
