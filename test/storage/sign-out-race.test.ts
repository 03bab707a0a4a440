// Signing out while other requests of the same browser are in flight: the session stays gone (over HTTP, on PostgreSQL and Redis).
import { expect } from 'chai';
import { person, type RunningHouse, startHouse } from '../support/house.ts';
import { formOf } from '../support/http-browser.ts';
import { atService, authorization, redeem, sentBack, signedIn } from '../support/service.ts';

describe('sign-out in a race', function () {
  this.timeout(120_000);
  let running: RunningHouse;
  before(async () => {
    running = await startHouse();
  });
  after(() => running.close());

  it('twelve requests in flight do not bring the session back, and no code of theirs gives a token', async () => {
    const { issuer, house } = running;
    const { login } = await person(house);
    let lateCodes = 0;
    for (let round = 0; round < 12; round += 1) {
      const { browser } = await signedIn(issuer, login);
      const cookies = browser.cookiesFor('/auth');
      const confirm = formOf(await browser.visit(`${issuer}/session/end`), '/session/end/confirm');
      const asked = Array.from({ length: 12 }, () => authorization(issuer));
      const ask = async (at: number) => {
        // Spread over the sign-out: some load the session before it and save it after.
        await new Promise((resolve) => setTimeout(resolve, at * 2));
        return fetch(asked[at]?.url ?? '', { headers: { cookie: cookies }, redirect: 'manual' });
      };
      const [, ...answers] = await Promise.all([
        browser.post(confirm.url, { ...confirm.fields, logout: 'yes' }, atService),
        ...asked.map((_, at) => ask(at)),
      ]);
      const quiet = authorization(issuer, { prompt: 'none' });
      const after = await fetch(quiet.url, { headers: { cookie: cookies }, redirect: 'manual' });
      expect(new URL(after.headers.get('location') ?? '').searchParams.get('error'), `round ${round}`).to.equal(
        'login_required',
      );
      for (const [at, answer] of answers.entries()) {
        const code = new URL(answer.headers.get('location') ?? issuer, issuer).searchParams.get('code');
        if (code === null) continue;
        lateCodes += 1;
        const refused = await redeem(issuer, code, asked[at]?.verifier ?? '').then(
          () => 'a token',
          (error: Error) => JSON.parse(error.message).error,
        );
        expect(refused).to.equal('invalid_grant');
      }
    }
    expect(lateCodes, 'requests were indeed in flight').to.be.greaterThan(0);
  });

  it('another session of the same person is not touched', async () => {
    const { issuer, house } = running;
    const { login } = await person(house);
    const [one, other] = [await signedIn(issuer, login), await signedIn(issuer, login)];
    const confirm = formOf(await one.browser.visit(`${issuer}/session/end`), '/session/end/confirm');
    await one.browser.post(confirm.url, { ...confirm.fields, logout: 'yes' }, atService);
    const again = authorization(issuer, { prompt: 'none' });
    const answer = await other.browser.visit(again.url, atService);
    expect(sentBack(answer).get('code')).to.be.a('string');
    await redeem(issuer, sentBack(answer).get('code') ?? '', again.verifier);
  });
});
