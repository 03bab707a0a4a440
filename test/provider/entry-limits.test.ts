// How many sign-ins and device codes a stranger may begin from one address, over HTTP (attack case A25).
import { expect } from 'chai';
import { base, person, type RunningHouse, SERVICE, startHouse } from '../support/house.ts';
import { HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, logIn, type Parameters, redeem, sentBack } from '../support/service.ts';

const SECRET = 'a secret of the pusher 2e71f0aa5b9c44d1';
const POINTS = 5;

for (const backend of ['embedded', 'servers'] as const) {
  describe(`what strangers may begin (${backend})`, function () {
    this.timeout(120_000);
    let running: RunningHouse;
    let login: string;
    let places = 0;
    before(async () => {
      running = await startHouse({
        backend,
        files: (port) => ({
          'server.yaml': { ...base(`http://localhost:${port}`)['server.yaml'], trusted_proxies: ['127.0.0.1/32'] },
          'limits.yaml': { sign_in_address: { points: POINTS }, device_code_address: { points: 2 } },
          'clients/pusher.yaml': {
            ...SERVICE,
            client_id: 'pusher',
            client_secret: SECRET,
            token_endpoint_auth_method: 'client_secret_post',
          },
          'clients/tv.yaml': {
            client_id: 'tv',
            token_endpoint_auth_method: 'none',
            grant_types: ['urn:ietf:params:oauth:grant-type:device_code'],
            first_party: true,
          },
        }),
      });
      ({ login } = await person(running.house));
    });
    after(() => running?.close());

    /** An address that nobody has come from yet. */
    const newPlace = () => {
      places += 1;
      return `203.0.113.${places}`;
    };
    const begin = (from: string, parameters: Parameters = {}, accept = 'text/html') =>
      new HttpBrowser().request(authorization(running.issuer, parameters).url, {
        headers: { 'x-forwarded-for': from, accept, 'accept-language': 'de' },
      });
    async function begun(from: string, parameters: Parameters = {}): Promise<number> {
      for (let many = 0; many < 4 * POINTS; many += 1) if ((await begin(from, parameters)).status !== 303) return many;
      throw new Error('there is no end to it');
    }
    async function post(path: string, from: string, fields: Parameters) {
      const body = new URLSearchParams(fields as Record<string, string>);
      const headers = { 'x-forwarded-for': from };
      const response = await fetch(`${running.issuer}${path}`, { method: 'POST', body, headers });
      return {
        status: response.status,
        headers: response.headers,
        body: (await response.json()) as { error?: string },
      };
    }

    it('is so many sign-ins from one address, and then a page that says when', async () => {
      const place = newPlace();
      expect(await begun(place)).to.equal(POINTS);
      const refused = await begin(place);
      expect([refused.status, refused.location]).to.deep.equal([429, undefined]);
      const wait = Number(refused.headers.get('retry-after'));
      expect(wait).to.be.within(1, 60);
      expect(refused.text)
        .to.include('lang="de"')
        .and.include('Bitte warten Sie einen Moment')
        .and.include(`${wait} Sekunde`);
      expect(refused.headers.getSetCookie().filter((cookie) => cookie.startsWith('interaction'))).to.deep.equal([]);
      // Another address, and another household's network of the next protocol.
      expect((await begin(newPlace())).status).to.equal(303);
      expect(await begun('2001:db8:1:1::1')).to.equal(POINTS);
      expect((await begin('2001:db8:1:1::2')).status).to.equal(429);
      expect((await begin('2001:db8:1:2::1')).status).to.equal(303);
    });

    it('counts nothing of who is signed in, of prompt=none, and of the further steps of a sign-in', async () => {
      const place = newPlace();
      const browser = new HttpBrowser();
      const from = { headers: { 'x-forwarded-for': place } };
      const request = authorization(running.issuer);
      await logIn(browser, await browser.visit(request.url, atService, from), login);
      for (let times = 0; times < 2 * POINTS; times += 1) {
        const again = authorization(running.issuer);
        const { location } = await browser.request(again.url, from);
        const code = new URL(location ?? '').searchParams.get('code') ?? '';
        if (times === 0) await redeem(running.issuer, code, again.verifier);
        else expect(code).to.be.a('string').and.not.equal('');
        expect(sentBack(await begin(place, { prompt: 'none' })).get('error')).to.equal('login_required');
      }
      expect(await begun(place)).to.equal(POINTS - 1);
    });

    it('counts a long request as several', async () => {
      expect(await begun(newPlace(), { login_hint: 'x'.repeat(9000) })).to.equal(1);
    });

    it('counts the pages that keep a form’s secret for nobody, and the ways to the account page', async () => {
      for (const path of ['/device', '/session/end', '/account']) {
        const place = newPlace();
        const visit = () =>
          new HttpBrowser().request(`${running.issuer}${path}`, { headers: { 'x-forwarded-for': place } });
        for (let times = 0; times < POINTS; times += 1) expect((await visit()).status, path).to.be.oneOf([200, 303]);
        const refused = await visit();
        expect(refused.status, path).to.equal(429);
        expect(refused.text, path).to.include('Please wait a little');
        expect(Number(refused.headers.get('retry-after')), path).to.be.within(1, 60);
        // The same browser again keeps nothing new; nor does one that signs out.
        const browser = new HttpBrowser();
        const from = { headers: { 'x-forwarded-for': newPlace() } };
        if (path === '/account') continue;
        for (let times = 0; times < 2 * POINTS; times += 1)
          expect((await browser.request(`${running.issuer}${path}`, from)).status, path).to.equal(200);
      }
    });

    it('counts what public clients push, and not what clients with a proof push', async () => {
      const pushed = (from: string, more: Parameters) => {
        const fields = Object.fromEntries(new URL(authorization(running.issuer).url).searchParams);
        return post('/request', from, { ...fields, ...more });
      };
      const [open, known] = [newPlace(), newPlace()];
      for (let times = 0; times < POINTS; times += 1) expect((await pushed(open, {})).status).to.equal(201);
      const refused = await pushed(open, {});
      expect([refused.status, refused.body.error]).to.deep.equal([429, 'temporarily_unavailable']);
      expect(Number(refused.headers.get('retry-after'))).to.be.within(1, 60);
      const proof = { client_id: 'pusher', client_secret: SECRET };
      for (let times = 0; times < 2 * POINTS; times += 1) expect((await pushed(known, proof)).status).to.equal(201);
    });

    it('is so many device codes from one address', async () => {
      const place = newPlace();
      const ask = (from: string) => post('/device/auth', from, { client_id: 'tv', scope: 'openid' });
      expect([(await ask(place)).status, (await ask(place)).status]).to.deep.equal([200, 200]);
      const refused = await ask(place);
      expect([refused.status, refused.body.error]).to.deep.equal([429, 'temporarily_unavailable']);
      expect(Number(refused.headers.get('retry-after'))).to.be.within(1, 60);
      expect((await ask(newPlace())).status).to.equal(200);
    });
  });
}
