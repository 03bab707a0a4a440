// A password sign-in from the service's request to its tokens, on both kinds of storage.
import { expect } from 'chai';
import { decodeProtectedHeader } from 'jose';
import { replacePassword } from '../../src/usecases/replace-password.ts';
import { PASSWORD, person, type RunningHouse, startHouse } from '../support/house.ts';
import { formOf, HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, logIn, redeem, sentBack, signedIn, tokenRequest } from '../support/service.ts';

for (const backend of ['embedded', 'servers'] as const) {
  describe(`a password sign-in (${backend})`, () => {
    let running: RunningHouse;
    let login: string;
    before(async function () {
      this.timeout(120_000);
      running = await startHouse({ backend });
      ({ login } = await person(running.house));
    });
    after(() => running?.close());

    it('gives tokens that say what was proven', async () => {
      const before = Math.floor(Date.now() / 1000);
      const { request, answer } = await signedIn(running.issuer, login);
      const parameters = sentBack(answer);
      expect(parameters.get('iss')).to.equal(running.issuer);
      expect(parameters.get('state')).to.equal('s');
      const { claims, body } = await redeem(running.issuer, parameters.get('code') ?? '', request.verifier);
      expect(claims).to.include({ iss: running.issuer, aud: 'payroll', nonce: 'n', acr: 'urn:countersign:acr:basic' });
      expect(claims['amr']).to.deep.equal(['pwd']);
      expect(claims['auth_time']).to.be.within(before, before + 10);
      expect(decodeProtectedHeader(String(body['id_token'])).alg).to.equal('ES256');
    });

    it('signs in by itself on an existing session, with the same auth_time', async () => {
      const { browser, request, answer } = await signedIn(running.issuer, login);
      const first = await redeem(running.issuer, sentBack(answer).get('code') ?? '', request.verifier);
      await new Promise((resolve) => setTimeout(resolve, 1100));
      const again = authorization(running.issuer);
      const code = sentBack(await browser.visit(again.url, atService)).get('code') ?? '';
      const second = await redeem(running.issuer, code, again.verifier);
      expect(second.claims['auth_time']).to.equal(first.claims['auth_time']);
    });

    it('redeems a code once, and ends everything that it gave when it comes again', async () => {
      const { request, answer } = await signedIn(running.issuer, login);
      const code = sentBack(answer).get('code') ?? '';
      const tokens = await redeem(running.issuer, code, request.verifier);
      const again = await tokenRequest(running.issuer, {
        grant_type: 'authorization_code',
        client_id: 'payroll',
        redirect_uri: 'http://localhost:9/callback',
        code,
        code_verifier: request.verifier,
      });
      expect([again.status, again.body['error']]).to.deep.equal([400, 'invalid_grant']);
      const headers = { authorization: `Bearer ${tokens.body['access_token']}` };
      expect((await fetch(`${running.issuer}/me`, { headers })).status).to.equal(401);
    });

    it('refuses the wrong password and an unknown name with the same words', async () => {
      const page = async (name: string, password: string) => {
        const browser = new HttpBrowser();
        const start = await browser.visit(authorization(running.issuer).url);
        const answer = await logIn(browser, start, name, password);
        return { status: answer.status, words: /role="alert"[^>]*>([\s\S]*?)<\/div>/.exec(answer.text)?.[1] };
      };
      const wrong = await page(login, 'not the password at all');
      const unknown = await page('nobody', 'not the password at all');
      expect(wrong.words).to.be.a('string');
      expect(unknown).to.deep.equal(wrong);
    });

    it('takes the mail address for the sign-in name, where one person alone has it', async () => {
      const { answer } = await signedIn(running.issuer, `${login.toUpperCase()}@Example.org`);
      expect(sentBack(answer).get('code')).to.be.a('string');
      await person(running.house, { email: 'shared@example.org' });
      await person(running.house, { email: 'shared@example.org' });
      expect((await signedIn(running.issuer, 'shared@example.org')).answer.status).to.equal(401);
    });

    it('goes on where the answer to a step was lost on its way to the browser', async () => {
      const browser = new HttpBrowser();
      const request = authorization(running.issuer);
      const page = await browser.visit(request.url);
      const form = formOf(page, '/login');
      const lost = (url: string) => new URL(url).pathname.startsWith('/auth/');
      await browser.post(form.url, { ...form.fields, login, password: PASSWORD }, lost);
      const listening = await browser.request(`${page.url}/approve/events`, {
        headers: { accept: 'text/event-stream' },
      });
      expect([listening.status, listening.location]).to.deep.equal([204, undefined]);
      expect(sentBack(await browser.visit(page.url, atService)).get('code')).to.be.a('string');
    });

    it('does not go on with a sign-in that lay half finished while the password was changed (A42)', async () => {
      const { id, login } = await person(running.house);
      const thief = new HttpBrowser();
      const request = authorization(running.issuer);
      const form = formOf(await thief.visit(request.url), '/login');
      const waiting = (url: string) => new URL(url).pathname.startsWith('/auth/');
      const paused = await thief.post(form.url, { ...form.fields, login, password: PASSWORD }, waiting);
      // What is proven is dated in whole seconds.
      await new Promise((resolve) => setTimeout(resolve, 1001));
      const { world } = running.house;
      const hash = await world.passwords.hash('another long pass phrase');
      await world.atomically((records) => replacePassword(world, records, { userId: id, hash, reason: 'reset' }));
      const asked = await thief.visit(paused.location ?? '', atService);
      expect(asked.text, asked.location).to.include('type="password"');
      const answer = await logIn(thief, asked, login, 'another long pass phrase');
      expect(sentBack(answer).get('code')).to.be.a('string');
    });

    it('answers prompt=none without a session with login_required', async () => {
      const answer = await new HttpBrowser().visit(authorization(running.issuer, { prompt: 'none' }).url, atService);
      expect(sentBack(answer).get('error')).to.equal('login_required');
    });
  });
}
