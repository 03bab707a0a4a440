// `countersign explain`: the audit of a running server says why a sign-in had to reach its level.
import { expect } from 'chai';
import pg from 'pg';
import type { HeadlessPhone } from '../../src/cli/phone-headless.ts';
import type { AuditEvent } from '../../src/domain/audit.ts';
import { addPhone, approveByScan, MFA, PIN, proveMailbox, submit } from '../interactions/with-phone.ts';
import { SERVICE } from '../support/house.ts';
import { HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, logIn, sentBack } from '../support/service.ts';
import { type RunningWorld, startWorld } from '../support/world.ts';

const CIBA = 'urn:openid:params:grant-type:ciba';
const DESK = 'Zq8vT2mX9rLw4KpY7sNd1HcJ5bGf3-of-the-desk';

describe('countersign explain', function () {
  this.timeout(180_000);
  let world: RunningWorld;
  let adasPhone: HeadlessPhone;
  const browser = new HttpBrowser();

  before(async () => {
    const strict = { ...SERVICE, client_id: 'strict', client_name: 'Strict', minimum_level: 'mfa' };
    const desk = {
      client_id: 'desk',
      client_secret: DESK,
      grant_types: [CIBA],
      first_party: true,
      minimum_level: 'mfa',
    };
    const files = {
      'clients/strict.yaml': strict,
      'clients/desk.yaml': desk,
      'lifetimes.yaml': { poll_interval: '1s' },
      'limits.yaml': { push_short: { points: 9 } },
    };
    world = await startWorld({ backend: 'servers', people: ['ada', 'bob'], files });
    const start = await browser.visit(authorization(world.issuer).url, atService);
    expect(sentBack(await logIn(browser, start, 'ada')).get('code')).to.be.a('string');
  });
  after(() => world?.close());

  const explain = async (...args: string[]) => {
    const ran = await world.cli(['explain', ...args]);
    expect(ran.code, ran.stderr).to.equal(0);
    return ran.stdout;
  };
  const told = async (...args: string[]) => JSON.parse(await explain(...args, '--json')).event as AuditEvent;

  it('tells of a first sign-in that nobody asked a level of', async () => {
    const text = await explain('ada', 'payroll');
    expect(text).to.match(/The service asked for {2}no level\n/);
    expect(text).to.match(/The minimum was {8}none\n/);
    expect(text).to.match(/The session had {8}nothing that counts\n/);
    expect(text).to.match(/Therefore {14}level basic was required; password proven in this sign-in\n/);
    expect(text).to.match(/level basic was reached; the tokens say acr urn:countersign:acr:basic, amr pwd\./);
  });

  it('tells of a refusal by the request’s id: what was asked, the minimum, what the session had', async () => {
    const { url } = authorization(world.issuer, { client_id: 'strict', prompt: 'none', max_age: '3600' });
    const answer = await browser.visit(url, atService);
    expect(sentBack(answer).get('error')).to.equal('unmet_authentication_requirements');
    const event = await told(answer.headers.get('x-request-id') ?? '');
    expect(event).to.include({ event: 'authn_level_refused', clientId: 'strict' });
    expect(event.levels).to.deep.include({
      minimum: [{ from: 'client', level: 'mfa' }],
      maxAge: 3600,
      required: 'mfa',
      reached: 'basic',
      made: [],
    });
    expect(event.levels?.had.level).to.equal('basic');
    expect(event.levels?.had.ages.password).to.be.within(0, 60);
    const text = await explain('ada', 'strict');
    expect(text).to.match(/proofs no older than 3600 s \(max_age\)/);
    expect(text).to.match(/The minimum was {8}mfa \(minimum_level of the client\)/);
    expect(text).to.match(/The session had {8}password \d+ s ago: level basic/);
    expect(text).to.match(/answered with unmet_authentication_requirements/);
  });

  it('tells of a request that no way here can meet', async () => {
    const claims = JSON.stringify({ id_token: { acr: { essential: true, value: 'urn:nobody' } } });
    const answer = await browser.visit(authorization(world.issuer, { claims }).url, atService);
    const text = await explain(answer.headers.get('x-request-id') ?? '');
    expect(text).to.match(/essential urn:nobody \(no level of today\)/);
    expect(text).to.match(/no way here leads to what the service insists on/);
  });

  it('tells of a step-up: the phone was proven, the password counted already', async () => {
    const request = authorization(world.issuer, { acr_values: MFA });
    const page = await browser.visit(request.url, atService);
    const enrol = await proveMailbox(world, browser, page, 'ada@example.org');
    const { phone, done } = await addPhone(world, browser, enrol);
    adasPhone = phone;
    expect(done.status).to.equal(200);
    const left = await browser.visit(authorization(world.issuer, { acr_values: MFA }).url, atService);
    const uid = /\/interaction\/([^/?]+)/.exec(left.url)?.[1];
    const ended = await browser.post(`${world.issuer}/interaction/${uid}/approve/unreachable`, {}, atService);
    expect(sentBack(ended).get('error')).to.equal('unmet_authentication_requirements');
    const refused = await told('ada', 'payroll');
    expect(refused.event).to.equal('authn_level_refused');
    expect(refused.levels?.required).to.equal('mfa');
    expect(refused.levels?.had.level).to.equal('basic');
    const again = authorization(world.issuer, { acr_values: MFA });
    const asked = await browser.visit(again.url, atService);
    sentBack(await approveByScan(browser, phone, asked));
    const event = await told('ada', 'payroll');
    expect(event.levels?.voluntary).to.deep.equal([MFA]);
    expect(event.levels?.required).to.equal('mfa');
    expect(event.levels?.reached).to.equal('mfa');
    expect(event.levels?.had.level).to.equal('basic');
    expect(event.levels?.made).to.deep.equal(['phone']);
  });

  const post = async (path: string, fields: Record<string, string>) => {
    const headers = { authorization: `Basic ${Buffer.from(`desk:${DESK}`).toString('base64')}` };
    const response = await fetch(`${world.issuer}${path}`, {
      method: 'POST',
      headers,
      body: new URLSearchParams(fields),
    });
    const body = (await response.json()) as Record<string, string>;
    return { body, requestId: response.headers.get('x-request-id') ?? '' };
  };
  const ask = (login: string, message: string) =>
    post('/backchannel', { scope: 'openid', login_hint: login, binding_message: message });

  it('tells of a service that asked without a browser: the minimum, what the phone answered, how it ended', async () => {
    const asked = await ask('ada', 'Order 77, code 482913');
    const waiting = await explain(asked.requestId);
    expect(waiting).to.match(/without a browser \(CIBA\), with a number to type in its binding_message\n/);
    expect(waiting).to.match(/The phone answered {5}nothing yet, or not in time\n/);
    expect(waiting).to.match(/The minimum was {8}mfa \(minimum_level of the client\)\n/);
    const [request] = (await adasPhone.pending()).transactions;
    if (!request) throw new Error('nothing is pending');
    await adasPhone.approve(request, { pin: PIN, number: '482913' });
    expect(await explain(asked.requestId)).to.match(/The phone answered {5}yes\n[\s\S]+has not fetched the tokens/);
    const got = await post('/token', { grant_type: CIBA, auth_req_id: asked.body['auth_req_id'] ?? '' });
    expect(got.body['id_token'], JSON.stringify(got.body)).to.be.a('string');
    for (const text of [await explain(asked.requestId), await explain(got.requestId), await explain('ada', 'desk')]) {
      expect(text).to.match(/Therefore {14}level mfa was required; phone proven in this sign-in\n/);
      expect(text).to.match(/level mfa was reached; the tokens say acr urn:countersign:acr:mfa, amr swk pin/);
    }
    // The message may hold what is nobody else's business.
    expect((await world.cli(['audit', 'export'])).stdout)
      .not.to.include('482913')
      .and.not.include('Order 77');
  });

  it('tells that the phone said no, and why somebody could not be asked at all', async () => {
    const asked = await ask('ada', 'Order 78, code 271828');
    const [request] = (await adasPhone.pending()).transactions;
    if (!request) throw new Error('nothing is pending');
    await adasPhone.deny(request);
    expect(await explain('ada', 'desk')).to.match(/The phone answered {5}no\n[\s\S]+answered with access_denied\.\n/);
    expect(await explain(asked.requestId)).to.match(/The phone answered {5}no\n/);
    const polled = await post('/token', { grant_type: CIBA, auth_req_id: asked.body['auth_req_id'] ?? '' });
    expect(polled.body['error']).to.equal('access_denied');
    expect(await explain(polled.requestId)).to.match(
      /The phone answered {5}no\n[\s\S]+level mfa was required[\s\S]+answered with access_denied\.\n/,
    );
    const none = await ask('bob', 'Order 79, code 314159');
    expect(none.body['error']).to.equal('access_denied');
    const text = await explain(none.requestId);
    expect(text).to.match(/It was asked {11}without a browser \(CIBA\)\n/);
    expect(text).to.match(/answered with access_denied: this person has no phone that can be asked\.\n/);
  });

  it('has the audit tell of a wrong code of the device flow, without the code', async () => {
    const stranger = new HttpBrowser();
    const page = await stranger.visit(`${world.issuer}/device`);
    expect((await submit(stranger, page, '/device', { user_code: 'BBBB-CCCC' })).status).to.equal(400);
    const { stdout } = await world.cli(['audit', 'search', '--event', 'user_code_wrong', '--json']);
    expect(JSON.parse(stdout).event).to.deep.equal({ event: 'user_code_wrong', outcome: 'failure', ip: '127.0.0.1' });
  });

  it('looks for a request as far back as it is told, and no further', async () => {
    const database = new pg.Client(world.environment['DATABASE_URL']);
    await database.connect();
    const fill = `insert into audit_events (at, event) select now() - $1::interval, '{"event":"session_ended"}' from generate_series(1, 2100)`;
    await database.query(`insert into audit_events (at, event) values (now() - interval '20 days', $1)`, [
      { event: 'authn_level_refused', outcome: 'failure', reason: 'access_denied', requestId: 'of-old' },
    ]);
    await database.query(fill, ['10 days']);
    await database.query(fill, ['0 days']);
    await database.end();
    const ran = await world.cli(['explain', 'of-old']);
    expect([ran.code, ran.stderr]).to.deep.include(1);
    expect(ran.stderr).to.match(/of the last 7 days knows no sign-in .* request of-old \(--days looks further back\)/);
    expect(await explain('of-old', '--days', '15')).to.match(/answered with access_denied/);
  });

  it('says what to do where there is nothing to tell', async () => {
    for (const [args, wanted] of [
      [['no-such-request'], /knows no sign-in that ended in request no-such-request/],
      [['ada', 'ledger'], /knows no sign-in of ada at ledger/],
      [
        ['adda', 'strct'],
        /nobody has the sign-in name "adda"; no client of today is called "strct"; did you mean "strict"/,
      ],
    ] as const) {
      const ran = await world.cli(['explain', ...args]);
      expect(ran.code).to.equal(1);
      expect(ran.stderr).to.match(wanted).and.not.include('note:');
    }
  });
});
