// What introspection says of tokens whose person or session is gone: the same as their use (RFC 7662 section 2.2).
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { fingerprint } from '../../src/platform/hashes.ts';
import { setUserState } from '../../src/usecases/manage-users.ts';
import { submit } from '../interactions/with-phone.ts';
import { person, type RunningHouse, startHouse } from '../support/house.ts';
import { formOf, type HttpBrowser } from '../support/http-browser.ts';
import { atService, redeem, sentBack, signedIn } from '../support/service.ts';

describe('introspection', function () {
  this.timeout(60_000);
  let running: RunningHouse;
  before(async () => {
    running = await startHouse();
  });
  after(() => running?.close());

  async function introspect(token: unknown): Promise<{ active?: boolean }> {
    const body = new URLSearchParams({ client_id: 'payroll', token: String(token) });
    const answer = await fetch(`${running.issuer}/token/introspection`, { method: 'POST', body });
    return (await answer.json()) as { active?: boolean };
  }
  const userinfo = async (token: unknown) =>
    (await fetch(`${running.issuer}/me`, { headers: { authorization: `Bearer ${String(token)}` } })).status;

  async function tokens(more = {}) {
    const { id, login } = await person(running.house);
    const { browser, request, answer } = await signedIn(running.issuer, login, more);
    const page =
      answer.location === undefined ? await submit(browser, answer, '/consent', { answer: 'allow' }) : answer;
    const { body } = await redeem(running.issuer, sentBack(page).get('code') ?? '', request.verifier);
    const { access_token: access, refresh_token: refresh } = body;
    expect(await introspect(access)).to.include({ active: true, sub: id });
    expect(await userinfo(access)).to.equal(200);
    return { id, browser, access, refresh };
  }
  const offline = () => tokens({ scope: 'openid offline_access', prompt: 'consent' });

  async function dead(access: unknown) {
    expect(await introspect(access)).to.deep.equal({ active: false });
    expect(await userinfo(access)).to.equal(401);
  }

  /** The id that a session keeps for its life, as it stands in the store. */
  async function uidOf(browser: HttpBrowser): Promise<string> {
    const redis = new Redis(running.environment['REDIS_URL'] ?? '');
    try {
      const key = fingerprint(browser.cookie('countersign_session') ?? '');
      const [found] = await redis.keys(`*oidc:Session:${key}`);
      return JSON.parse((await redis.get(found ?? '')) ?? '').uid;
    } finally {
      redis.disconnect();
    }
  }

  it('knows a disabled person’s tokens no more, those for use without them included', async () => {
    const [now, later] = [await tokens(), await offline()];
    expect(await introspect(later.refresh)).to.include({ active: true });
    for (const { id } of [now, later]) {
      const user = await running.house.world.records.users.byId(id);
      if (!user) throw new Error('nobody');
      await setUserState(running.house.world, user, 'disabled');
    }
    await dead(now.access);
    await dead(later.access);
    expect(await introspect(later.refresh)).to.deep.equal({ active: false });
  });

  it('knows the tokens of a session no more that was signed out of, and those for use without the person still', async () => {
    const [now, later] = [await tokens(), await offline()];
    for (const { browser } of [now, later]) {
      const page = await browser.visit(`${running.issuer}/session/end?client_id=payroll`);
      const { url, fields } = formOf(page, '/session/end/confirm');
      await browser.post(url, { ...fields, logout: 'yes' }, atService);
    }
    await dead(now.access);
    expect(await introspect(later.refresh)).to.include({ active: true });
    expect(await introspect(later.access)).to.include({ active: true });
  });

  it('takes nothing of a session for active that was signed out of and came back with a Redis that took over', async () => {
    const { id, browser, access } = await tokens();
    // What the database has of the sign-out, while Redis is as it was before.
    await running.house.world.records.users.sessionEnded(id, fingerprint(await uidOf(browser)), 600);
    await dead(access);
  });
});
