// A refresh token once more: the answer that was lost is given again, and everything else is a theft (RFC 9700 section 4.14.2).
import { expect } from 'chai';
import { PASSWORD, person, type RunningHouse, SERVICE, startHouse } from '../support/house.ts';
import { formOf, HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, redeem, sentBack, type Tokens, tokenRequest } from '../support/service.ts';

const GRACE = 2;
const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

for (const backend of ['embedded', 'servers'] as const) {
  describe(`a refresh token once more (${backend})`, function () {
    this.timeout(120_000);
    let running: RunningHouse;
    let login: string;
    before(async () => {
      running = await startHouse({
        backend,
        files: {
          'clients/native.yaml': { ...SERVICE, client_id: 'native' },
          'lifetimes.yaml': { refresh_grace: `${GRACE}s` },
        },
      });
      ({ login } = await person(running.house));
    });
    after(() => running?.close());

    const use = (token: string, client = 'payroll') =>
      tokenRequest(running.issuer, { grant_type: 'refresh_token', client_id: client, refresh_token: token });
    const next = ({ status, body }: Tokens): string => {
      expect(status, JSON.stringify(body)).to.equal(200);
      return String(body['refresh_token']);
    };
    const dead = async (token: string) => expect((await use(token)).body['error']).to.equal('invalid_grant');

    async function first(): Promise<string> {
      const browser = new HttpBrowser();
      const request = authorization(running.issuer, { scope: 'openid offline_access', prompt: 'consent' });
      const form = formOf(await browser.visit(request.url), '/login');
      const consent = await browser.post(form.url, { ...form.fields, login, password: PASSWORD });
      const allow = formOf(consent, '/consent');
      const back = await browser.post(allow.url, { ...allow.fields, answer: 'allow' }, atService);
      return next(await redeem(running.issuer, sentBack(back).get('code') ?? '', request.verifier));
    }

    it('within the grace: the same successor, and the family lives', async () => {
      const token = await first();
      const successor = next(await use(token));
      expect(successor).not.to.equal(token);
      expect(next(await use(token))).to.equal(successor);
      const third = next(await use(successor));
      expect(third).not.to.equal(successor);
      next(await use(third));
    });

    it('a third time: the whole family ends', async () => {
      const token = await first();
      const successor = next(await use(token));
      next(await use(token));
      await dead(token);
      await dead(successor);
    });

    it('after the grace: the whole family ends', async () => {
      const token = await first();
      const successor = next(await use(token));
      await pause(GRACE + 0.5);
      await dead(token);
      await dead(successor);
    });

    it('when its successor was used, the answer had arrived: the whole family ends', async () => {
      const token = await first();
      const successor = next(await use(token));
      const third = next(await use(successor));
      await dead(token);
      await dead(third);
    });

    it('by another client: refused, and nothing is taken from its own', async () => {
      const token = await first();
      const successor = next(await use(token));
      expect((await use(token, 'native')).body['error']).to.equal('invalid_grant');
      expect(next(await use(token))).to.equal(successor);
    });

    it('a hundred at once: two are answered at most, with one successor', async () => {
      const token = await first();
      const all = await Promise.all(Array.from({ length: 100 }, () => use(token)));
      const won = all.filter(({ status }) => status === 200);
      expect(won).to.have.length.at.most(2);
      expect(new Set(won.map(({ body }) => body['refresh_token'])).size).to.be.at.most(1);
      expect(all.every(({ status }) => status === 200 || status === 400)).to.equal(true);
      for (const { body } of won) await dead(String(body['refresh_token']));
    });

    it('two at once: one line that lives on', async () => {
      const token = await first();
      const [one, other] = await Promise.all([use(token), use(token)]);
      expect(next(one)).to.equal(next(other));
      next(await use(next(await use(next(one)))));
    });
  });
}
