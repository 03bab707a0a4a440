// The phone app under a name of its own (`app_origin`): two host names on loopback, each with what belongs to it and nothing else.
import { expect } from 'chai';
import { addPhone, approveByScan, MFA, proveMailbox } from '../interactions/with-phone.ts';
import { person, type RunningHouse, startHouse } from '../support/house.ts';
import { redeem, sentBack, signedIn } from '../support/service.ts';

describe('the phone app at its own origin', function () {
  this.timeout(180_000);
  let running: RunningHouse;
  let app: string;
  before(async () => {
    running = await startHouse({
      backend: 'servers',
      files: (port) => ({ 'devices.yaml': { kdf_iterations: 1000, app_origin: `http://127.0.0.1:${port}` } }),
    });
    app = running.settings.devices.appOrigin;
    expect(new URL(app).host).to.not.equal(new URL(running.issuer).host);
  });
  after(() => running?.close());

  it('adds a phone there and approves a sign-in at the issuer', async () => {
    const { login } = await person(running.house);
    const first = await signedIn(running.issuer, login, { acr_values: MFA });
    const ready = await proveMailbox(running, first.browser, first.answer, `${login}@example.org`);
    const { phone, done } = await addPhone({ issuer: app, folder: running.folder }, first.browser, ready);
    expect(done.text).to.contain('Your phone is added');
    const { browser, request, answer } = await signedIn(running.issuer, login, { acr_values: MFA });
    expect(answer.text).to.contain(`${app}/phone/`).and.not.contain(`${running.issuer}/phone/`);
    const back = await approveByScan(browser, phone, answer);
    const { claims } = await redeem(running.issuer, sentBack(back).get('code') ?? '', request.verifier);
    expect(claims['acr']).to.equal(MFA);
  });

  it('serves the app and its API under its own name only, and the pages under the issuer only', async () => {
    const status = async (url: string) => (await fetch(url, { redirect: 'manual' })).status;
    for (const path of ['/phone/', '/device/v1/openapi.json']) {
      expect(await status(app + path), `${app}${path}`).to.equal(200);
      expect(await status(running.issuer + path), `${running.issuer}${path}`).to.equal(404);
    }
    for (const path of ['/.well-known/openid-configuration', '/jwks']) {
      expect(await status(running.issuer + path), `${running.issuer}${path}`).to.equal(200);
      expect(await status(app + path), `${app}${path}`).to.equal(404);
    }
    for (const path of ['/account', '/login']) expect(await status(app + path), `${app}${path}`).to.equal(404);
    const help = await fetch(`${app}/help`, { redirect: 'manual' });
    expect(help.headers.get('location')).to.equal(`${running.issuer}/help`);
  });

  it('lets no page of another origin use it: neither the sign-in pages nor the app may call across', async () => {
    const called = await fetch(`${app}/device/v1/pending`, {
      method: 'POST',
      headers: { origin: running.issuer, 'content-type': 'application/jose' },
      body: 'x.y.z',
    });
    expect(called.status).to.be.within(400, 403);
    for (const url of [`${app}/device/v1/openapi.json`, `${app}/phone/`]) {
      const answer = await fetch(url, { headers: { origin: running.issuer } });
      expect(answer.headers.get('access-control-allow-origin'), url).to.equal(null);
    }
    const policy = (await fetch(`${app}/phone/`)).headers.get('content-security-policy') ?? '';
    expect(policy).to.contain("connect-src 'self'").and.contain("frame-ancestors 'none'");
    expect(policy).to.not.contain(running.issuer);
    expect(await fetch(`${app}/phone/`).then(({ headers }) => headers.getSetCookie())).to.deep.equal([]);
  });

  it('describes itself by its own name', async () => {
    const described = (await (await fetch(`${app}/device/v1/openapi.json`)).json()) as { servers: { url: string }[] };
    expect(described.servers).to.deep.equal([{ url: app }]);
  });
});
