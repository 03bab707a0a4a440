// `countersign explain`: the audit of a running server says why a sign-in had to reach its level.
import { expect } from 'chai';
import type { AuditEvent } from '../../src/domain/audit.ts';
import { addPhone, approveByScan, MFA, proveMailbox } from '../interactions/with-phone.ts';
import { SERVICE } from '../support/house.ts';
import { HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, logIn, sentBack } from '../support/service.ts';
import { type RunningWorld, startWorld } from '../support/world.ts';

describe('countersign explain', function () {
  this.timeout(120_000);
  let world: RunningWorld;
  const browser = new HttpBrowser();

  before(async () => {
    const strict = { ...SERVICE, client_id: 'strict', client_name: 'Strict', minimum_level: 'mfa' };
    world = await startWorld({ backend: 'servers', people: ['ada'], files: { 'clients/strict.yaml': strict } });
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

  it('says what to do where there is nothing to tell', async () => {
    for (const [args, wanted] of [
      [['no-such-request'], /knows no sign-in that ended in request no-such-request/],
      [['ada', 'ledger'], /knows no sign-in of ada at ledger/],
    ] as const) {
      const ran = await world.cli(['explain', ...args]);
      expect(ran.code).to.equal(1);
      expect(ran.stderr).to.match(wanted);
    }
  });
});
