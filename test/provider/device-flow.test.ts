// Sign-ins of devices without a keyboard (RFC 8628), over HTTP with a headless phone, on both kinds of storage.
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { approveByScan, submit } from '../interactions/with-phone.ts';
import { person, type RunningHouse, startHouse } from '../support/house.ts';
import { type Answer, HttpBrowser } from '../support/http-browser.ts';
import { personWithPhone } from '../support/phone-of.ts';
import { logIn, tokenRequest } from '../support/service.ts';

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
const MFA = 'urn:countersign:acr:mfa';
const WARNING = 'Nobody else may give it to you';
const TV = {
  client_id: 'tv',
  client_name: 'Television',
  token_endpoint_auth_method: 'none',
  grant_types: [GRANT, 'refresh_token'],
  first_party: true,
};

/** Answer of the device authorization endpoint, section 3.2. */
interface Asked {
  device_code: string;
  user_code: string;
  verification_uri: string;
  verification_uri_complete: string;
  expires_in: number;
  interval: number;
}

for (const backend of ['embedded', 'servers'] as const) {
  describe(`device flow (${backend})`, function () {
    this.timeout(120_000);
    let running: RunningHouse;
    before(async () => {
      running = await startHouse({
        backend,
        files: {
          'clients/tv.yaml': TV,
          'clients/strict.yaml': { ...TV, client_id: 'strict', client_name: 'Strict box', minimum_level: 'mfa' },
          'clients/guest.yaml': { ...TV, client_id: 'guest', client_name: 'Guest box', first_party: false },
          'lifetimes.yaml': { poll_interval: '2s' },
          'limits.yaml': { user_code_address: { points: 200 } },
        },
      });
    });
    after(() => running?.close());

    async function post(fields: Record<string, string>) {
      const body = new URLSearchParams({ scope: 'openid', ...fields });
      const response = await fetch(`${running.issuer}/device/auth`, { method: 'POST', body });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    }
    async function ask(client = 'tv', more: Record<string, string> = {}): Promise<Asked> {
      const { status, body } = await post({ client_id: client, ...more });
      expect(status, JSON.stringify(body)).to.equal(200);
      return body as unknown as Asked;
    }
    const poll = ({ device_code }: Asked, client = 'tv') =>
      tokenRequest(running.issuer, { grant_type: GRANT, device_code, client_id: client });
    const errorOf = async (asked: Asked, client = 'tv') => (await poll(asked, client)).body['error'];
    /** Types a code; the answer is the question, or the page with what is wrong. */
    async function type(browser: HttpBrowser, user_code: string): Promise<Answer> {
      const page = await browser.visit(`${running.issuer}/device`);
      expect(page.text).to.include('Type the code that your device shows').and.include(WARNING);
      return submit(browser, page, '/device', { user_code });
    }
    const confirm = (browser: HttpBrowser, page: Answer) => submit(browser, page, '/device');

    it('says in discovery what it does', async () => {
      const found = (await (await fetch(`${running.issuer}/.well-known/openid-configuration`)).json()) as {
        device_authorization_endpoint: string;
        grant_types_supported: string[];
      };
      expect(found.device_authorization_endpoint).to.equal(`${running.issuer}/device/auth`);
      expect(found.grant_types_supported).to.include(GRANT);
    });

    it('is for clients whose grant_types say so', async () => {
      const refused = await post({ client_id: 'payroll' });
      expect([refused.status, refused.body['error']]).to.deep.equal([400, 'invalid_request']);
      expect(refused.body['error_description']).to.include(GRANT);
    });

    it('signs a device in with the code typed in small letters, once', async () => {
      const { id, login } = await person(running.house);
      const asked = await ask('tv', { scope: 'openid offline_access' });
      expect(asked).to.deep.include({ verification_uri: `${running.issuer}/device`, expires_in: 600, interval: 2 });
      expect(asked.user_code).to.match(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
      expect(await errorOf(asked)).to.equal('authorization_pending');
      const browser = new HttpBrowser();
      const question = await type(browser, asked.user_code.toLowerCase().replace('-', ''));
      expect(question.text).to.include('Television').and.include(asked.user_code).and.include(WARNING);
      const done = await logIn(browser, await confirm(browser, question), login);
      expect(done.text).to.include('Your device is signed in').and.include('Television');
      expect((await type(browser, asked.user_code)).text).to.include('too old or was used already');
      const got = await poll(asked);
      expect(got.status, JSON.stringify(got.body)).to.equal(200);
      const claims = decodeJwt(String(got.body['id_token']));
      expect(got.body['refresh_token']).to.be.a('string');
      expect(claims).to.deep.include({ sub: id, aud: 'tv', acr: 'urn:countersign:acr:basic', amr: ['pwd'] });
      expect(await errorOf(asked)).to.equal('invalid_grant');
    });

    it('asks the phone for a client whose minimum is mfa, and for acr_values', async () => {
      const { id, login, phone } = await personWithPhone(running);
      const browser = new HttpBrowser();
      const first = await ask('strict', { acr_values: 'urn:countersign:acr:basic' });
      // The link with the code in it posts by itself, and still asks.
      const link = await browser.visit(first.verification_uri_complete);
      const question = await submit(browser, link, '/device');
      expect(question.text).to.include('Strict box').and.include(first.user_code).and.include(WARNING);
      const step = await logIn(browser, await confirm(browser, question), login);
      expect(new URL(step.url).pathname).to.match(/^\/interaction\/[^/]+\/approve/);
      expect(await errorOf(first, 'strict')).to.equal('authorization_pending');
      const done = await approveByScan(browser, phone, step);
      expect(done.text).to.include('Your device is signed in');
      const claims = decodeJwt(String((await poll(first, 'strict')).body['id_token']));
      expect(claims).to.deep.include({ sub: id, acr: MFA, amr: ['pwd', 'swk', 'pin', 'mca', 'user', 'mfa'] });
      const second = await ask('tv', { acr_values: MFA });
      const other = new HttpBrowser();
      const asks = await logIn(other, await confirm(other, await type(other, second.user_code)), login);
      expect(new URL(asks.url).pathname).to.match(/^\/interaction\/[^/]+\/approve/);
      expect(await errorOf(second)).to.equal('authorization_pending');
    });

    it('asks the person again where the device wants it (max_age=0), and claims nothing that was proven before', async () => {
      const { login } = await person(running.house);
      const browser = new HttpBrowser();
      const first = await ask();
      await logIn(browser, await confirm(browser, await type(browser, first.user_code)), login);
      const proven = decodeJwt(String((await poll(first)).body['id_token']))['auth_time'];
      const same = await confirm(browser, await type(browser, (await ask()).user_code));
      expect(same.text).to.include('Your device is signed in');
      await wait(1001);
      const anew = await ask('tv', { max_age: '0' });
      const asked = await confirm(browser, await type(browser, anew.user_code));
      expect(asked.text).to.include('type="password"');
      expect((await logIn(browser, asked, login)).text).to.include('Your device is signed in');
      expect(decodeJwt(String((await poll(anew)).body['id_token']))['auth_time']).to.be.above(Number(proven));
    });

    it('asks for consent where the service is not ours', async () => {
      const { login } = await person(running.house);
      const browser = new HttpBrowser();
      const asked = await ask('guest');
      const consent = await logIn(browser, await confirm(browser, await type(browser, asked.user_code)), login);
      expect(consent.text).to.include('Guest box');
      const stopped = await submit(browser, consent, '/consent', { answer: 'refuse' });
      expect(stopped.text).to.include('The device was not signed in');
      expect(await errorOf(asked, 'guest')).to.equal('access_denied');
    });

    it('shows all that a device that is not ours will get, each time, whatever was allowed before', async () => {
      const { login } = await person(running.house);
      const browser = new HttpBrowser();
      const consent = async (scope: string) => {
        const asked = await ask('guest', { scope });
        const page = await confirm(browser, await type(browser, asked.user_code));
        const shown = page.text.includes('name="password"') ? await logIn(browser, page, login) : page;
        expect(shown.text).to.include('Share with this service?').and.include('Guest box');
        expect(await errorOf(asked, 'guest')).to.equal('authorization_pending');
        const done = await submit(browser, shown, '/consent', { answer: 'allow' });
        expect(done.text).to.include('Your device is signed in');
        expect((await poll(asked, 'guest')).status).to.equal(200);
        return [...shown.text.matchAll(/<li>([^<]+)<\/li>/g)].map(([, words]) => words);
      };
      const first = ['Know that it is you, whenever you sign in', 'Your name and your language'];
      expect(await consent('openid profile')).to.deep.equal(first);
      expect(await consent('openid profile')).to.deep.equal(first);
      expect(await consent('openid profile email')).to.deep.equal([...first, 'Your email address']);
    });

    it('tells a device that the person said no', async () => {
      const browser = new HttpBrowser();
      const asked = await ask();
      const question = await type(browser, asked.user_code);
      const stopped = await submit(browser, question, '/device', { abort: 'yes' });
      expect(stopped.text).to.include('The device was not signed in');
      expect(await errorOf(asked)).to.equal('access_denied');
    });

    it('says slow_down to a device that asks too often, and to no other', async () => {
      const [quick, other] = [await ask(), await ask()];
      expect(await errorOf(quick)).to.equal('authorization_pending');
      expect(await errorOf(quick)).to.equal('slow_down');
      // Another client neither gets an answer nor takes the turn of the one that asked.
      expect(await errorOf(other, 'strict')).to.equal('invalid_grant');
      expect(await errorOf(other)).to.equal('authorization_pending');
      await wait(1050);
      expect(await errorOf(quick)).to.equal('authorization_pending');
    });

    it('says what is wrong with a code, and takes none from another page', async () => {
      const browser = new HttpBrowser();
      const wrong = await type(browser, 'BBBB-<b>x');
      expect(wrong.status).to.equal(400);
      expect(wrong.text).to.include('No device is waiting with this code').and.not.include('<b>x');
      expect((await type(browser, '')).text).to.include('type the code once more');
      const asked = await ask();
      const fields = { user_code: asked.user_code, confirm: 'yes', xsrf: '00'.repeat(24) };
      const forged = await browser.post(`${running.issuer}/device`, fields);
      expect(forged.text).to.include('type the code once more');
      expect(await errorOf(asked)).to.equal('authorization_pending');
    });

    it('ends a code in time, for the person and for the device', async () => {
      const asked = await ask();
      const { DeviceCode } = running.house.provider();
      const stored = (await DeviceCode.find(asked.device_code)) as unknown as {
        exp: number;
        save(seconds: number): Promise<string>;
      };
      stored.exp = Math.floor(Date.now() / 1000) + 1;
      await stored.save(1);
      await wait(2100);
      expect((await type(new HttpBrowser(), asked.user_code)).text).to.include('too old or was used already');
      expect(await errorOf(asked)).to.equal('expired_token');
    });

    it('takes so many codes from an address and no more', async () => {
      await running.reload({ 'limits.yaml': { user_code_address: { points: 1 } } });
      const browser = new HttpBrowser();
      const asked = await ask();
      const refused = await type(browser, asked.user_code);
      expect(refused.status).to.equal(429);
      expect(Number(refused.headers.get('retry-after'))).to.be.above(0);
      expect(refused.text).to.not.include('Television');
    });
  });
}
