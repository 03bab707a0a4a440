// Secrets stay where they belong: twelve are planted, everything is done at log level debug, and then looked for in logs, audit, database, Redis and addresses.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import pg from 'pg';
import { HeadlessPhone, memoryStore } from '../../src/cli/phone.ts';
import { fromBase64url, toBase64url } from '../../src/protocol/bytes.ts';
import { derivePin, importDeviceKey } from '../../src/protocol/derivations.ts';
import { approveByScan, codeIn, MFA, PIN, scannedLink, submit, typedCodeIn } from '../interactions/with-phone.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../operating/otlp-receiver.ts';
import { PASSWORD, SERVICE } from '../support/house.ts';
import { type Answer, formOf, HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, CALLBACK, logIn, redeem, sentBack, tokenRequest } from '../support/service.ts';
import { type RunningWorld, startWorld } from '../support/world.ts';

const CLIENT_SECRET = 'Zq8vJ2nXr5Tb1Wm7Ly4Hc9Pd3Kf6Sg0Q';
const NEW_PASSWORD = 'seven quiet herons over the bay';
/** Longer than figures that stand in logs by chance. */
const WRONG_PIN = '59174826';

/** A browser that remembers every address that it asked for, and every one that it was sent to by us. */
class NotingBrowser extends HttpBrowser {
  readonly addresses: string[] = [];

  override async request(url: string, init: RequestInit = {}): Promise<Answer> {
    this.addresses.push(url);
    const answer = await super.request(url, init);
    // The code in the redirect to the service is what the protocol asks for.
    if (answer.location !== undefined && !atService(answer.location)) this.addresses.push(answer.location);
    return answer;
  }
}

describe('secrets', function () {
  this.timeout(120_000);
  let world: RunningWorld;
  let database: pg.Client;
  let redis: Redis;
  let receiver: OtlpReceiver;
  const browsers: NotingBrowser[] = [];
  /** By what they are. */
  const planted = new Map<string, string>();
  /** Everything that Redis and PostgreSQL have held at some moment. */
  const held = { redis: '', database: '' };

  const plant = (name: string, secret: string | undefined) => {
    if (secret === undefined || secret.length < 6) throw new Error(`no ${name} to look for`);
    planted.set(name, secret);
    return secret;
  };
  const newBrowser = () => {
    const browser = new NotingBrowser();
    browsers.push(browser);
    return browser;
  };

  before(async () => {
    receiver = await startOtlpReceiver();
    world = await startWorld({
      backend: 'servers',
      watched: true,
      environment: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint },
      people: ['ada'],
      files: {
        'clients/desk.yaml': {
          ...SERVICE,
          client_id: 'desk',
          token_endpoint_auth_method: 'client_secret_post',
          client_secret: CLIENT_SECRET,
        },
      },
      logLevel: 'debug',
    });
    database = new pg.Client({ connectionString: world.environment['DATABASE_URL'] });
    await database.connect();
    redis = new Redis(world.environment['REDIS_URL'] ?? '');
  });
  after(async () => {
    redis?.disconnect();
    await database?.end();
    await world?.close();
    await receiver?.close();
  });

  /** Notes what both hold now. */
  async function look(): Promise<void> {
    for await (const keys of redis.scanStream() as AsyncIterable<string[]>) {
      for (const key of keys) held.redis += `\n${key} ${await contentOf(key)}`;
    }
    const tables = await database.query<{ name: string }>(
      "select table_name as name from information_schema.tables where table_schema = 'public'",
    );
    for (const { name } of tables.rows) {
      const { rows } = await database.query(`select row_to_json(one)::text as text from "${name}" one`);
      held.database += rows.map(({ text }: { text: string }) => `\n${name} ${text}`).join('');
    }
  }
  async function contentOf(key: string): Promise<string> {
    const kind = await redis.type(key);
    if (kind === 'hash') return JSON.stringify(await redis.hgetall(key));
    if (kind === 'set') return (await redis.smembers(key)).join(' ');
    if (kind === 'zset') return (await redis.zrange(key, '0', '-1')).join(' ');
    if (kind === 'list') return (await redis.lrange(key, '0', '-1')).join(' ');
    return (await redis.get(key)) ?? '';
  }
  const newestMail = () => world.mails().at(-1) ?? '';

  it('are used in every flow: password, phone, tokens, recovery', async () => {
    plant('password', PASSWORD);
    plant('wrong password', 'a wrong horse with a battery');
    plant('client secret', CLIENT_SECRET);
    const secrets = join(world.folder, 'data', 'secrets');
    for (const name of ['kek', 'pepper', 'cookies']) plant(name, readFileSync(join(secrets, name), 'utf8').trim());
    expect(readdirSync(secrets)).to.include('kek');

    // What is only logged at debug.
    await fetch(`${world.issuer}/phone/`);
    // A password, wrong and right; a first phone with a code by mail and a typed code.
    const browser = newBrowser();
    const request = authorization(world.issuer, { acr_values: MFA });
    const page = await browser.visit(request.url, atService);
    const wrong = await logIn(browser, page, 'ada', planted.get('wrong password'));
    const proof = await logIn(browser, wrong, 'ada');
    const asked = await submit(browser, proof, '/send');
    await look();
    const mailed = plant('mail code', codeIn(newestMail()).replace(' ', ''));
    const ready = await submit(browser, asked, '/check', { code: mailed });
    const offer = await submit(browser, ready, '/start', { name: 'Blue phone', pin: PIN, pin_again: PIN });
    const typed = plant('typed code', typedCodeIn(offer).trim());
    planted.set('typed code without its signs', typed.replaceAll(/[\s-]/g, ''));
    await look();
    const store = memoryStore();
    const phone = new HeadlessPhone({ origin: world.issuer, state: store });
    await phone.enrol({ code: typed, login: 'ada' }, PIN);
    const account = (await store.load())?.account;
    if (!account) throw new Error('no account on the phone');
    const bytes = (text: string) => fromBase64url(text) ?? new Uint8Array(0);
    const key = await importDeviceKey(bytes(account.secret));
    const derived = await derivePin(key, PIN, bytes(account.salt), account.kdf.iterations);
    plant('pin_tag', toBase64url(derived.pinTag));
    plant('offline key', toBase64url(derived.offlineKey));
    plant('device key', account.secret);
    plant('PIN in quotes', `"${PIN}"`);
    plant('wrong PIN', WRONG_PIN);
    const waiting = await submit(browser, await browser.visit(offer.url), '/continue');
    const pending = await phone.claim(await scannedLink(browser, waiting));
    await phone.approve(pending, { pin: WRONG_PIN }).catch(() => undefined);
    await look();
    const back = await approveByScan(browser, phone, waiting);
    plant('session cookie', browser.cookie('countersign_session'));
    plant('session signature', browser.cookie('countersign_session.sig'));
    plant('binding cookie', browser.cookie('txb'));
    plant('known-browser cookie', browser.cookie('known'));
    plant('authorization code of payroll', sentBack(back).get('code') ?? '');
    await look();
    await redeem(world.issuer, sentBack(back).get('code') ?? '', request.verifier);

    // Tokens of a service with a secret.
    const desk = authorization(world.issuer, { client_id: 'desk', scope: 'openid offline_access', prompt: 'consent' });
    let answer = await browser.visit(desk.url, atService);
    if (answer.location === undefined) answer = await submit(browser, answer, '/consent', { answer: 'allow' });
    const code = plant('authorization code', sentBack(answer).get('code') ?? '');
    await look();
    const secret = { client_id: 'desk', client_secret: CLIENT_SECRET };
    const exchange = { grant_type: 'authorization_code', redirect_uri: CALLBACK, code, code_verifier: desk.verifier };
    const tokens = await tokenRequest(world.issuer, { ...exchange, ...secret });
    plant('refresh token', String(tokens.body['refresh_token']));
    plant('access token', String(tokens.body['access_token']));
    const refresh = { grant_type: 'refresh_token', refresh_token: planted.get('refresh token') };
    const renewed = await tokenRequest(world.issuer, { ...refresh, ...secret });
    plant('second refresh token', String(renewed.body['refresh_token']));
    await look();
    await tokenRequest(world.issuer, { ...refresh, ...secret });

    // A forgotten password.
    const lost = newBrowser();
    const form = formOf(await lost.visit(`${world.issuer}/recover`), '/recover');
    await lost.post(form.url, { ...form.fields, login: 'ada' });
    for (let round = 0; round < 100 && !/\/recover\/new#/.test(newestMail()); round += 1)
      await new Promise((resolve) => setTimeout(resolve, 20));
    const link = /https?:\S+\/recover\/new#(\S+)/.exec(newestMail().replaceAll('=\r\n', '').replaceAll('=\n', ''));
    const token = plant('recovery link', link?.[1]);
    await look();
    plant('new password', NEW_PASSWORD);
    const set = formOf(await lost.visit(`${world.issuer}/recover/new`), '/recover/new');
    const chosen = { token, password: NEW_PASSWORD, repeat: NEW_PASSWORD };
    expect((await lost.post(set.url, { ...set.fields, ...chosen })).status).to.equal(200);
    const home = await logIn(lost, await lost.visit(`${world.issuer}/account`), 'ada', NEW_PASSWORD);
    expect(new URL(home.url).pathname).to.equal('/account');
    plant('account cookie', lost.cookie('account'));
    await look();
    expect(planted.size).to.be.at.least(12);
  });

  const found = (text: string, except: readonly string[] = []) =>
    [...planted].filter(([name, secret]) => !except.includes(name) && text.includes(secret)).map(([name]) => name);

  it('are not in the logs', () => {
    const output = world.nodes.map((node) => node.output()).join('\n');
    expect(output).to.contain('"level":20');
    expect(output).to.contain('/interaction/');
    expect(found(output)).to.deep.equal([]);
  });

  it('are not in the metrics', async () => {
    const text = await (await fetch(`${world.nodes[0]?.watch}/metrics`)).text();
    expect(text).to.contain('idp_user_events_total{event="authn_login_fail"').and.contain('http_route="/recover/new"');
    expect(found(text)).to.deep.equal([]);
  });

  it('are not in the audit, nor anywhere in the database', () => {
    expect(held.database).to.contain('audit_events ').and.contain('devices ');
    expect(found(held.database)).to.deep.equal([]);
  });

  it('are not in Redis', () => {
    expect(held.redis).to.contain('scratch:');
    // A session's id is there, and is worth nothing without the signature that only our cookie keys make.
    expect(found(held.redis, ['session cookie'])).to.deep.equal([]);
  });

  it('that a reader of Redis finds open no session', async () => {
    const browser = newBrowser();
    const page = await browser.visit(authorization(world.issuer).url, atService);
    const answer = await logIn(browser, page, 'ada', NEW_PASSWORD);
    expect(sentBack(answer).get('code')).to.be.a('string');
    const silent = authorization(world.issuer, { prompt: 'none' }).url;
    const own = sentBack(await browser.visit(silent, atService));
    expect(own.get('code'), String(own)).to.be.a('string');
    const id = browser.cookie('countersign_session') ?? '';
    for (const signature of [undefined, 'A'.repeat(43)]) {
      const thief = newBrowser();
      thief.setCookie('countersign_session', id);
      if (signature !== undefined) thief.setCookie('countersign_session.sig', signature);
      expect(sentBack(await thief.visit(silent, atService)).get('error')).to.equal('login_required');
    }
  });

  it('are not in the traces, with everything that was held back sent', async () => {
    await world.nodes[0]?.stop();
    const names = new Set(receiver.spans().map(({ name }) => name));
    expect(names).to.include('POST /recover/new').and.include('POST /token').and.include('INSERT');
    expect(found(receiver.text())).to.deep.equal([]);
  });

  it('are not in addresses', () => {
    const addresses = browsers.flatMap((browser) => browser.addresses).join('\n');
    expect(addresses).to.contain('/recover/new');
    expect(found(addresses)).to.deep.equal([]);
  });
});
