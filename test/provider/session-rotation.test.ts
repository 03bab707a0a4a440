// A session's id is worth nothing once more was proven: not one that a stranger planted, nor one from before a step-up (attack case A36).
import { expect } from 'chai';
import { approveByScan, MFA } from '../interactions/with-phone.ts';
import { type RunningHouse, startHouse } from '../support/house.ts';
import { HttpBrowser } from '../support/http-browser.ts';
import { personWithPhone } from '../support/phone-of.ts';
import { atService, authorization, logIn, sentBack } from '../support/service.ts';

describe('the id of a session', function () {
  this.timeout(120_000);
  let running: RunningHouse;
  before(async () => {
    running = await startHouse();
  });
  after(() => running?.close());

  /** The cookies of a browser's session, as somebody may have copied or planted them. */
  const idOf = (browser: HttpBrowser) =>
    new Map(
      ['countersign_session', 'countersign_session.sig'].map((name) => {
        const value = browser.cookie(name);
        if (value === undefined) throw new Error(`no cookie ${name}`);
        return [name, value] as const;
      }),
    );
  const answerTo = async (cookies: Map<string, string>, parameters = {}) => {
    const browser = new HttpBrowser();
    for (const [name, value] of cookies) browser.setCookie(name, value);
    return sentBack(
      await browser.visit(authorization(running.issuer, { prompt: 'none', ...parameters }).url, atService),
    );
  };

  it('changes at the sign-in and at the step-up, and the one before is signed in no more', async () => {
    const { login, phone } = await personWithPhone(running);
    const browser = new HttpBrowser();
    await browser.visit(`${running.issuer}/device`);
    const planted = idOf(browser);
    await logIn(browser, await browser.visit(authorization(running.issuer).url, atService), login);
    const signedIn = idOf(browser);
    expect((await answerTo(signedIn)).get('code'), 'the control').to.be.a('string');
    expect((await answerTo(planted)).get('error'), 'planted').to.equal('login_required');
    const page = await browser.visit(authorization(running.issuer, { acr_values: MFA }).url, atService);
    await approveByScan(browser, phone, page);
    expect((await answerTo(idOf(browser), { acr_values: MFA })).get('code'), 'the control').to.be.a('string');
    expect((await answerTo(signedIn, { acr_values: MFA })).get('code'), 'from before the step-up').to.equal(null);
    expect((await answerTo(signedIn)).get('error'), 'from before the step-up').to.equal('login_required');
  });
});
