// How long a session and what it gave live at most, however busily they are used (SP 800-63B-4 section 2.2.3, RFC 9700 section 4.14).
import { expect } from 'chai';
import { person, type RunningHouse, startHouse } from '../support/house.ts';
import type { HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, sentBack, signedIn } from '../support/service.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;

/** A session of the library, with what we keep in it. */
interface Kept {
  begun: number;
  exp: number;
  save(seconds: number): Promise<unknown>;
}

describe('how long a sign-in lives', () => {
  let running: RunningHouse;
  before(async () => {
    running = await startHouse({ files: { 'lifetimes.yaml': { session: { absolute: '12h', idle: '1h' } } } });
  });
  after(() => running?.close());

  const now = () => Math.floor(Date.now() / 1000);
  const silent = async (browser: HttpBrowser) =>
    sentBack(await browser.visit(authorization(running.issuer, { prompt: 'none' }).url, atService));
  const sessionOf = async (browser: HttpBrowser) => {
    const { Session } = running.house.provider() as unknown as { Session: { find(id: string): Promise<Kept> } };
    return Session.find(browser.cookie('countersign_session') ?? '');
  };

  it('is the idle life from each use on, and never longer than the whole life from the sign-in', async () => {
    const { login } = await person(running.house);
    const { browser } = await signedIn(running.issuer, login);
    expect((await sessionOf(browser)).exp - now()).to.be.within(HOUR - 10, HOUR);
    // As if the person had signed in eleven and a half hours ago, and been busy since.
    const session = await sessionOf(browser);
    session.begun = Date.now() - 11.5 * HOUR * 1000;
    await session.save(HOUR);
    expect((await silent(browser)).get('code')).to.be.a('string');
    expect((await sessionOf(browser)).exp - now()).to.be.within(HOUR / 2 - 10, HOUR / 2);
    const last = await sessionOf(browser);
    last.begun = Date.now() - 12 * HOUR * 1000 + 2000;
    await last.save(HOUR);
    expect((await silent(browser)).get('code'), 'a moment before its end').to.be.a('string');
    await new Promise((resolve) => setTimeout(resolve, 3100));
    expect((await silent(browser)).get('error'), 'after its end').to.equal('login_required');
  });

  it('is thirty days for all refresh tokens of one line together', async () => {
    const { RefreshToken, Client } = running.house.provider();
    const client = await Client.find('payroll');
    const token = (age: number) =>
      (new RefreshToken({ client, accountId: 'x', iiat: now() - age } as never) as unknown as { expiration: number })
        .expiration;
    expect(token(0)).to.be.within(30 * DAY - 2, 30 * DAY);
    expect(token(29 * DAY)).to.be.within(DAY - 2, DAY);
    expect(token(31 * DAY)).to.equal(1);
  });
});
