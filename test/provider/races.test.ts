// A hundred at once: every single use has exactly one winner (attack case A29), on both kinds of storage.
import { expect } from 'chai';
import { PASSWORD, person, type RunningHouse, SERVICE, startHouse } from '../support/house.ts';
import { formOf, HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, CALLBACK, redeem, sentBack, signedIn, tokenRequest } from '../support/service.ts';

const MANY = 100;

for (const backend of ['embedded', 'servers'] as const) {
  describe(`a hundred at once (${backend})`, function () {
    this.timeout(120_000);
    let running: RunningHouse;
    let login: string;
    before(async () => {
      running = await startHouse({ backend, files: { 'clients/native.yaml': { ...SERVICE, client_id: 'native' } } });
      ({ login } = await person(running.house));
    });
    after(() => running?.close());

    it('redeem one code: one gets tokens, and they die because the others tried', async () => {
      const { request, answer } = await signedIn(running.issuer, login);
      const code = sentBack(answer).get('code') ?? '';
      const fields = {
        grant_type: 'authorization_code',
        client_id: 'payroll',
        redirect_uri: CALLBACK,
        code,
        code_verifier: request.verifier,
      };
      const all = await Promise.all(Array.from({ length: MANY }, () => tokenRequest(running.issuer, fields)));
      expect(all.filter(({ status }) => status === 200)).to.have.length.at.most(1);
      expect(all.filter(({ status }) => status !== 200 && status !== 400)).to.deep.equal([]);
      for (const { body, status } of all) if (status !== 200) expect(body['error']).to.equal('invalid_grant');
      const token = all.find(({ status }) => status === 200)?.body['access_token'];
      const me = await fetch(`${running.issuer}/me`, { headers: { authorization: `Bearer ${token}` } });
      expect(me.status).to.equal(401);
    });

    it('use one refresh token: two at most get the next, which is the same, and the family ends', async () => {
      const browser = new HttpBrowser();
      const request = authorization(running.issuer, { scope: 'openid offline_access', prompt: 'consent' });
      const page = await browser.visit(request.url);
      const form = formOf(page, '/login');
      const consent = await browser.post(form.url, { ...form.fields, login, password: PASSWORD });
      const allow = formOf(consent, '/consent');
      const back = await browser.post(allow.url, { ...allow.fields, answer: 'allow' }, atService);
      const tokens = await redeem(running.issuer, sentBack(back).get('code') ?? '', request.verifier);
      const fields = {
        grant_type: 'refresh_token',
        client_id: 'payroll',
        refresh_token: String(tokens.body['refresh_token']),
      };
      const all = await Promise.all(Array.from({ length: MANY }, () => tokenRequest(running.issuer, fields)));
      const won = all.filter(({ status }) => status === 200);
      expect(won).to.have.length.at.most(2);
      expect(new Set(won.map(({ body }) => body['refresh_token'])).size).to.be.at.most(1);
      expect(all.every(({ status }) => status === 200 || status === 400)).to.equal(true);
      for (const { body } of won) {
        const next = await tokenRequest(running.issuer, { ...fields, refresh_token: String(body['refresh_token']) });
        expect(next.body['error']).to.equal('invalid_grant');
      }
    });

    it('resume one interaction: one code', async () => {
      const browser = new HttpBrowser();
      const page = await browser.visit(authorization(running.issuer).url);
      const form = formOf(page, '/login');
      const stopAtResume = (url: string) => new URL(url).pathname.startsWith('/auth/');
      const finished = await browser.post(form.url, { ...form.fields, login, password: PASSWORD }, stopAtResume);
      const resume = finished.location ?? '';
      const cookie = browser.cookiesFor(new URL(resume).pathname);
      const all = await Promise.all(
        Array.from({ length: MANY }, () =>
          fetch(resume, { redirect: 'manual', headers: { cookie, accept: 'text/html' } }),
        ),
      );
      const codes = all
        .map((response) => response.headers.get('location'))
        .filter((location) => location?.includes('code='));
      expect(new Set(codes).size).to.equal(1);
      expect(all.every(({ status }) => status === 303 || status === 400)).to.equal(true);
    });

    it('try one person’s password: never more tries than the limit', async () => {
      const victim = await person(running.house);
      const browsers = await Promise.all(
        Array.from({ length: 30 }, async () => {
          const browser = new HttpBrowser();
          return { browser, page: await browser.visit(authorization(running.issuer).url) };
        }),
      );
      const answers = await Promise.all(
        browsers.map(({ browser, page }) => {
          const form = formOf(page, '/login');
          return browser.post(form.url, { ...form.fields, login: victim.login, password: 'wrong wrong wrong' });
        }),
      );
      expect(answers.filter(({ status }) => status === 401)).to.have.length.at.most(5);
      expect(answers.every(({ status }) => status === 401 || status === 429 || status === 503)).to.equal(true);
    });
  });
}
