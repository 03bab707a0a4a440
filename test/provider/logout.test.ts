// Signing out over HTTP: the person is asked, everything of the session is dead at once, and services hear of it even if they were away.
import { createServer, type Server } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { resetFactors, setUserState } from '../../src/usecases/manage-users.ts';
import { signOutEverywhere } from '../../src/usecases/sign-out-everywhere.ts';
import { person, type RunningHouse, SERVICE, startHouse } from '../support/house.ts';
import { formOf, type HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, redeem, sentBack, signedIn } from '../support/service.ts';
import { freePort } from '../support/services.ts';

for (const backend of ['embedded', 'servers'] as const) {
  describe(`signing out (${backend})`, function () {
    this.timeout(120_000);
    let running: RunningHouse;
    let listener: Server;
    let port: number;
    let status = 200;
    const told: string[] = [];
    before(async () => {
      port = await freePort();
      listener = createServer((request, response) => {
        let text = '';
        request.on('data', (chunk) => {
          text += chunk;
        });
        request.on('end', () => {
          told.push(new URLSearchParams(text).get('logout_token') ?? '');
          response.writeHead(status).end();
        });
      });
      await new Promise<void>((resolve) => listener.listen(port, '127.0.0.1', resolve));
      const backchannel_logout_uri = `http://localhost:${port}/logout`;
      running = await startHouse({
        backend,
        files: {
          'clients/payroll.yaml': { ...SERVICE, backchannel_logout_uri, backchannel_logout_session_required: true },
          'outbound.yaml': { allow: [`localhost:${port}`] },
        },
      });
    });
    after(async () => {
      await running?.close();
      listener?.close();
    });

    async function until(count: number): Promise<void> {
      for (let tries = 0; tries < 1200 && told.length < count; tries += 1) await wait(25);
      expect(told).to.have.length(count);
    }

    it('tells services when all sessions of a person end, by themselves or by the operator', async () => {
      const { login, id } = await person(running.house);
      const user = async () => {
        const found = await running.house.world.records.users.byId(id);
        if (!found) throw new Error('nobody');
        return found;
      };
      const wiki = { ...SERVICE, client_id: 'wiki', backchannel_logout_uri: `http://localhost:${port}/logout` };
      await running.reload({ 'clients/wiki.yaml': wiki });
      const ends: { [how: string]: () => Promise<unknown> } = {
        everywhere: () => signOutEverywhere(running.house.world, { userId: id, ip: '192.0.2.1' }),
        'other factors': async () => resetFactors(running.house.world, await user()),
        disabled: async () => setUserState(running.house.world, await user(), 'disabled'),
      };
      status = 200;
      for (const [how, end] of Object.entries(ends)) {
        const before = told.length;
        // The other one insists on a session id, and there is none for all of them.
        await signedIn(running.issuer, login);
        await signedIn(running.issuer, login, { client_id: 'wiki' });
        await end();
        await until(before + 1);
        const token = decodeJwt(told[before] ?? '');
        expect(token, how).to.include({ aud: 'wiki', sub: id }).and.to.have.property('events');
        expect(token, how).not.to.have.property('sid');
      }
      const before = told.length;
      await setUserState(running.house.world, await user(), 'active');
      await signOutEverywhere(running.house.world, { userId: id, ip: '192.0.2.1' });
      await wait(300);
      expect(told, 'nobody holds anything').to.have.length(before);
    });

    it('tells a service at once while nothing may be written, and until it has heard', async () => {
      const before = told.length;
      const people = [await person(running.house), await person(running.house)];
      const browsers: HttpBrowser[] = [];
      for (const { login } of people) browsers.push((await signedIn(running.issuer, login)).browser);
      const leave = async (browser?: HttpBrowser) => {
        if (!browser) throw new Error('nobody');
        const confirm = formOf(
          await browser.visit(`${running.issuer}/session/end?client_id=payroll`),
          '/session/end/confirm',
        );
        expect((await browser.post(confirm.url, { ...confirm.fields, logout: 'yes' })).status).to.equal(200);
      };
      await running.reload({ 'notices.yaml': { read_only: { on: true } } });
      try {
        status = 200;
        await leave(browsers[0]);
        await until(before + 1);
        expect(decodeJwt(told[before] ?? '')).to.include({ aud: 'payroll', sub: people[0]?.id });
        status = 503;
        await leave(browsers[1]);
        await until(before + 2);
        status = 200;
        await until(before + 3);
        expect(decodeJwt(told[before + 2] ?? '')).to.include({ aud: 'payroll', sub: people[1]?.id });
      } finally {
        status = 200;
        await running.reload({ 'notices.yaml': {} });
      }
      told.length = 0;
    });

    it('asks first, ends everything of the session at once, and tells a service that was away until it has heard', async () => {
      const { login, id } = await person(running.house);
      const { browser, request, answer } = await signedIn(running.issuer, login);
      const tokens = await redeem(running.issuer, sentBack(answer).get('code') ?? '', request.verifier);
      const me = () =>
        fetch(`${running.issuer}/me`, { headers: { authorization: `Bearer ${tokens.body['access_token']}` } });
      const question = await browser.visit(`${running.issuer}/session/end?client_id=payroll`);
      expect((await me()).status).to.equal(200);
      expect(told).to.deep.equal([]);
      status = 503;
      const confirm = formOf(question, '/session/end/confirm');
      const left = await browser.post(confirm.url, { ...confirm.fields, logout: 'yes' });
      expect(left.status).to.equal(200);
      expect((await me()).status).to.equal(401);
      const again = await browser.visit(authorization(running.issuer, { prompt: 'none' }).url, atService);
      expect(sentBack(again).get('error')).to.equal('login_required');
      await until(1);
      status = 200;
      await until(2);
      const keys = createRemoteJWKSet(new URL(`${running.issuer}/jwks`));
      const { payload } = await jwtVerify(told[1] ?? '', keys, { issuer: running.issuer, audience: 'payroll' });
      expect(payload).to.include({ sub: id, sid: tokens.claims['sid'] });
      // Each try has a token of its own: one that was refused may have been remembered as used.
      expect(payload.jti).not.to.equal(decodeJwt(told[0] ?? '').jti);
      await wait(400);
      expect(told).to.have.length(2);
    });

    it('changes nothing where the person stays', async () => {
      told.length = 0;
      const { login } = await person(running.house);
      const { browser } = await signedIn(running.issuer, login);
      const question = await browser.visit(`${running.issuer}/session/end?client_id=payroll`);
      const confirm = formOf(question, '/session/end/confirm');
      await browser.post(confirm.url, confirm.fields);
      const request = authorization(running.issuer, { prompt: 'none' });
      const still = await browser.visit(request.url, atService);
      expect(still.location, still.text.slice(0, 300)).to.satisfy(atService);
    });
  });
}
