// The order of refusals (protocol section 1) as a ladder: a message with all faults is answered by the first; each rung takes one fault away.
import { expect } from 'chai';
import { CompactSign } from 'jose';
import pg from 'pg';
import { HeadlessPhone } from '../../src/cli/phone-headless.ts';
import { memoryStore, type PhoneAccount } from '../../src/cli/phone-state.ts';
import type { World } from '../../src/domain/ports.ts';
import type { Transaction } from '../../src/domain/transaction.ts';
import { fromBase64url, toBase64url, utf8 } from '../../src/protocol/bytes.ts';
import { contextHash } from '../../src/protocol/context.ts';
import { derivePin, importDeviceKey } from '../../src/protocol/derivations.ts';
import { devicePath, type Endpoint, MESSAGE_TYPES } from '../../src/protocol/messages.ts';
import { askPhone } from '../../src/usecases/ask-phone.ts';
import { currentFrame } from '../../src/usecases/browser-transaction.ts';
import { removeDevice } from '../../src/usecases/manage-devices.ts';
import { startEnrolment } from '../../src/usecases/start-enrolment.ts';
import { person, type RunningHouse, startHouse } from '../support/house.ts';

const PIN = '805139';
const bytes = (text: string) => fromBase64url(text) ?? new Uint8Array(0);
const random = (length: number) => toBase64url(crypto.getRandomValues(new Uint8Array(length)));

/** A message on its way, and the phone and transaction behind it: a fault changes one of these. */
interface Draft {
  userId: string;
  account: PhoneAccount;
  key: CryptoKey;
  transaction: Transaction;
  header: Record<string, unknown>;
  claims: Record<string, unknown>;
  contentType: string;
  padding: string;
}

/** The answer that a fault earns, and what makes it. */
type Rung = readonly [code: string, fault: (draft: Draft) => unknown];

describe('the order of refusals', function () {
  this.timeout(120_000);
  let running: RunningHouse;
  let world: World;
  let database: pg.Client;

  before(async () => {
    running = await startHouse();
    world = running.house.world;
    database = new pg.Client({ connectionString: running.environment['DATABASE_URL'] });
    await database.connect();
  });
  after(async () => {
    await database.end();
    await running.close();
  });

  async function draft(endpoint: Endpoint): Promise<Draft> {
    const { id: userId } = await person(running.house);
    const started = await startEnrolment(world, { userId, session: 's', name: 'Phone', pin: PIN, pinAgain: PIN });
    if (!started.ok) throw new Error(started.why);
    const store = memoryStore();
    await new HeadlessPhone({ state: store }).enrol({ link: started.link }, PIN);
    const account = (await store.load())?.account;
    if (!account) throw new Error('no account');
    const service = { clientId: 'payroll', name: 'Payroll' };
    const asking = {
      userId,
      interaction: 'uid',
      kind: 'signin',
      bind: 'b',
      service,
      level: 'mfa',
      wants: 'qr',
    } as const;
    const asked = await askPhone(world, asking);
    if (!asked.ok) throw new Error(asked.why);
    const { transaction } = asked;
    const named = {
      iss: account.deviceId,
      aud: `${running.issuer}${devicePath(endpoint)}`,
      iat: Math.floor(Date.now() / 1000),
    };
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
    return {
      userId,
      account,
      key: await crypto.subtle.importKey('jwk', { ...account.key }, algorithm, false, ['sign']),
      transaction,
      header: { alg: 'ES256', typ: MESSAGE_TYPES[endpoint], kid: account.deviceId },
      claims: { ...named, ...(endpoint === 'respond' ? await answer(account, transaction) : await scan(transaction)) },
      contentType: 'application/jose',
      padding: '',
    };
  }

  async function answer(account: PhoneAccount, { id: txn, nonce, number, context }: Transaction): Promise<object> {
    const secret = await importDeviceKey(bytes(account.secret));
    const { pinTag } = await derivePin(secret, PIN, bytes(account.salt), account.kdf.iterations);
    const proof = { uv: 'pin', pin_tag: toBase64url(pinTag), ratchet: account.ratchet };
    return { ctr: Date.now(), txn, nonce, number, ctx_hash: await contextHash(context), decision: 'approve', ...proof };
  }

  async function scan(transaction: Transaction): Promise<object> {
    return { jti: random(16), txn: transaction.id, ...(await currentFrame(world, transaction)) };
  }

  /** Sends it and tells the code of the refusal, or the status where nothing is refused. */
  async function send(endpoint: Endpoint, { header, claims, key, contentType, padding }: Draft): Promise<string> {
    const jws = await new CompactSign(utf8(JSON.stringify(claims))).setProtectedHeader(header as never).sign(key);
    const headers = { 'Content-Type': contentType };
    const body = jws + padding;
    const answered = await fetch(`${running.issuer}${devicePath(endpoint)}`, { method: 'POST', body, headers });
    const { type } = (await answered.json()) as { type?: string };
    return type?.split(':').at(-1) ?? String(answered.status);
  }

  const first: Rung[] = [
    [
      'too_large',
      (one) => {
        one.padding = 'A'.repeat(9000);
      },
    ],
    [
      'unsupported_media_type',
      (one) => {
        one.contentType = 'application/json';
      },
    ],
    [
      'malformed',
      (one) => {
        one.header['cty'] = 'x';
      },
    ],
    [
      'bad_signature',
      async (one) => {
        const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
        one.key = pair.privateKey;
      },
    ],
    [
      'wrong_typ',
      (one) => {
        one.header['typ'] = 'dev-enrol+jwt';
      },
    ],
    [
      'wrong_aud',
      (one) => {
        one.claims['aud'] = 'https://evil.example/device/v1/respond';
      },
    ],
    [
      'clock_skew',
      (one) => {
        one.claims['iat'] = Math.floor(Date.now() / 1000) - 90;
      },
    ],
    ['device_removed', ({ userId, account }) => removeDevice(world, { userId, deviceId: account.deviceId })],
  ];
  const locked: Rung = [
    'device_locked',
    ({ account }) =>
      database.query(`update devices set state = 'locked', lock_reason = 'pin' where id = $1`, [account.deviceId]),
  ];
  const unknown: Rung = [
    'unknown_transaction',
    (one) => {
      one.claims['txn'] = random(16);
    },
  ];
  const ended = (state: 'denied' | 'failed' | 'approved' | 'expired'): Rung => [
    state,
    ({ transaction }) =>
      state === 'expired' ? world.transactions.end(transaction.id) : world.transactions.answer(transaction.id, state),
  ];

  /** Puts all faults from each rung on into one message, the last one first, as a phone and a server would come to them. */
  async function climb(endpoint: Endpoint, ladder: readonly Rung[]): Promise<void> {
    for (let rung = 0; rung <= ladder.length; rung += 1) {
      const one = await draft(endpoint);
      for (const [, fault] of ladder.slice(rung).reverse()) await fault(one);
      const expected = ladder[rung]?.[0] ?? '200';
      expect(
        await send(endpoint, one),
        ladder
          .slice(rung)
          .map(([code]) => code)
          .join(', '),
      ).to.equal(expected);
    }
  }

  const respond = (over: Rung, number: Rung): Rung[] => [
    ...first,
    ['replayed', ({ account, claims }) => world.records.devices.commitCounter(account.deviceId, Number(claims['ctr']))],
    locked,
    [
      'device_cloned',
      (one) => {
        one.claims['ratchet'] = random(16);
      },
    ],
    unknown,
    over,
    [
      'nonce',
      (one) => {
        one.claims['nonce'] = random(16);
      },
    ],
    [
      'context_mismatch',
      (one) => {
        one.claims['ctx_hash'] = random(32);
      },
    ],
    number,
    [
      'pin_backoff',
      async ({ account }) => {
        for (let n = 0; n < 3; n += 1) await world.records.devices.reservePin(account.deviceId);
      },
    ],
    [
      'wrong_pin',
      (one) => {
        one.claims['pin_tag'] = random(32);
      },
    ],
  ];
  const noNumber: Rung = [
    'not_transferred',
    (one) => {
      delete one.claims['number'];
    },
  ];
  const wrongNumber: Rung = [
    'wrong_number',
    (one) => {
      one.claims['number'] = one.transaction.number === '000000' ? '000001' : '000000';
    },
  ];

  it('holds for an approval without a number, of a request that was denied', () =>
    climb('respond', respond(ended('denied'), noNumber)));
  it('holds for an approval with a wrong number, of a request that is over', () =>
    climb('respond', respond(ended('expired'), wrongNumber)));

  it('names each end of a request', async () => {
    for (const state of ['denied', 'failed', 'approved', 'expired'] as const) {
      const one = await draft('respond');
      await ended(state)[1](one);
      one.claims['nonce'] = random(16);
      expect(await send('respond', one)).to.equal(state);
    }
  });

  it('holds for a scan', () =>
    climb('claim', [
      ...first,
      ['replayed', ({ account, claims }) => world.replays.first(`device:${account.deviceId}:${claims['jti']}`, 180)],
      locked,
      unknown,
      ended('failed'),
      [
        'qr_stale',
        (one) => {
          one.claims['i'] = 40;
        },
      ],
      [
        'qr_forged',
        (one) => {
          one.claims['mac'] = random(16);
        },
      ],
      ['claimed', ({ transaction }) => world.transactions.claim(transaction.id, 'd_another')],
    ]));
});
