// Sign-ins that a service starts without a browser (OpenID CIBA Core 1.0), over HTTP with a headless phone, on both kinds of storage.
import { spawn } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import pg from 'pg';
import type { HeadlessPhone } from '../../src/cli/phone-headless.ts';
import { contextText } from '../../src/protocol/context.ts';
import { person, type RunningHouse, startHouse } from '../support/house.ts';
import { PIN, personWithPhone, phoneOf } from '../support/phone-of.ts';
import { redeem, sentBack, signedIn, tokenRequest } from '../support/service.ts';
import { freePort } from '../support/services.ts';

const secretOf = (client: string) => `a secret of ${client} 2e71f0aa5b9c44d1`;
const GRANT = 'urn:openid:params:grant-type:ciba';
const MFA = 'urn:countersign:acr:mfa';
const API = 'https://api.example.org/orders';
const CENTRE = {
  client_id: 'centre',
  client_name: 'Call centre',
  client_secret: secretOf('centre'),
  grant_types: [GRANT, 'refresh_token'],
  first_party: true,
};
const basic = (client = 'centre') => ({
  authorization: `Basic ${Buffer.from(`${client}:${encodeURIComponent(secretOf(client))}`).toString('base64')}`,
});

/** What the listener of the pinged service was sent. */
interface Ping {
  url: string | undefined;
  authorization: string | undefined;
  body: unknown;
}

for (const backend of ['embedded', 'servers'] as const) {
  describe(`requests without a browser (${backend})`, function () {
    this.timeout(120_000);
    let running: RunningHouse;
    let listener: Server;
    let status = 204;
    const pings: Ping[] = [];
    before(async () => {
      const port = await freePort();
      listener = createServer((request, response) => {
        let text = '';
        request.on('data', (chunk) => {
          text += chunk;
        });
        request.on('end', () => {
          const { url, headers } = request;
          pings.push({ url, authorization: headers.authorization, body: text === '' ? undefined : JSON.parse(text) });
          response
            .writeHead(status, status === 204 ? {} : { location: '/elsewhere' })
            .end(status === 204 ? '' : 'words');
        });
      });
      await new Promise<void>((resolve) => listener.listen(port, '127.0.0.1', resolve));
      running = await startHouse({
        backend,
        files: {
          'clients/centre.yaml': CENTRE,
          'clients/strict.yaml': {
            ...CENTRE,
            client_id: 'strict',
            client_name: 'Strict',
            client_secret: secretOf('strict'),
            minimum_level: 'mfa',
          },
          'clients/pinged.yaml': {
            ...CENTRE,
            client_id: 'pinged',
            client_name: 'Pinged',
            client_secret: secretOf('pinged'),
            backchannel_token_delivery_mode: 'ping',
            backchannel_client_notification_endpoint: `http://localhost:${port}/ping`,
          },
          'outbound.yaml': { allow: [`localhost:${port}`] },
          'lifetimes.yaml': { poll_interval: '1s' },
          'limits.yaml': { push_short: { points: 4 } },
          'resources/orders.yaml': { identifier: API, name: 'Orders', scopes: { 'orders.read': { level: 'mfa' } } },
        },
      });
    });
    after(async () => {
      await running?.close();
      listener?.close();
    });

    async function ask(fields: Record<string, string>, client = 'centre') {
      const body = new URLSearchParams({ scope: 'openid', ...fields });
      const response = await fetch(`${running.issuer}/backchannel`, { method: 'POST', body, headers: basic(client) });
      const answer = (await response.json()) as Record<string, string | number>;
      return { status: response.status, answer, id: String(answer['auth_req_id']), error: answer['error'] };
    }
    const poll = (id: string, client = 'centre') =>
      tokenRequest(running.issuer, { grant_type: GRANT, auth_req_id: id }, basic(client));
    async function waiting(phone: HeadlessPhone) {
      const [request] = (await phone.pending()).transactions;
      if (!request) throw new Error('nothing is pending');
      return request;
    }
    async function until(condition: () => boolean): Promise<void> {
      for (let tries = 0; tries < 1200 && !condition(); tries += 1) await wait(25);
      expect(condition()).to.equal(true);
    }

    it('says in discovery what it does', async () => {
      const found = await (await fetch(`${running.issuer}/.well-known/openid-configuration`)).json();
      expect(found).to.deep.include({
        backchannel_authentication_endpoint: `${running.issuer}/backchannel`,
        backchannel_token_delivery_modes_supported: ['poll', 'ping'],
        backchannel_user_code_parameter_supported: false,
      });
      expect((found as { grant_types_supported: string[] }).grant_types_supported).to.include(GRANT);
    });

    it('reaches the level by the number that the service gives, shown and signed with its message', async () => {
      const { id: userId, login, phone } = await personWithPhone(running);
      const asked = await ask({ login_hint: login, acr_values: MFA, binding_message: 'Order 77, code 482913' });
      expect(asked.status, JSON.stringify(asked.answer)).to.equal(200);
      expect(asked.answer).to.deep.include({ expires_in: 120, interval: 1 });
      expect((await poll(asked.id)).body['error']).to.equal('authorization_pending');
      const request = await waiting(phone);
      expect([request.kind, request.number_required]).to.deep.equal(['ciba', true]);
      expect(request.ctx).to.deep.include({
        rp: 'Call centre',
        browser: '',
        level: 'mfa',
        binding: 'Order 77, code ******',
      });
      expect(contextText(request.ctx)).not.to.include('482913');
      await phone.approve(request, { pin: PIN, number: '482913' });
      await wait(1050);
      const got = await poll(asked.id);
      expect(got.status, JSON.stringify(got.body)).to.equal(200);
      const claims = decodeJwt(String(got.body['id_token']));
      expect(claims).to.deep.include({
        sub: userId,
        acr: MFA,
        amr: ['swk', 'pin', 'mca', 'user', 'mfa'],
        aud: 'centre',
      });
      expect(Math.abs(Number(claims['auth_time']) - Date.now() / 1000)).to.be.below(30);
      const me = await fetch(`${running.issuer}/me`, {
        headers: { authorization: `Bearer ${got.body['access_token']}` },
      });
      expect(await me.json()).to.include({ sub: userId });
    });

    it('takes no doctored message, no wrong number and no approval without the number', async () => {
      const { login, phone } = await personWithPhone(running);
      const asked = await ask({ login_hint: login, acr_values: MFA, binding_message: '482913' });
      const request = await waiting(phone);
      const other = { ...request, ctx: { ...request.ctx, binding: 'Order 78' } };
      for (const [answer, number, code] of [
        [other, '482913', 'context_mismatch'],
        [request, undefined, 'not_transferred'],
        [request, '482914', 'wrong_number'],
      ] as const) {
        const proof = { pin: PIN, ...(number === undefined ? {} : { number }) };
        const refused = await phone.approve(answer, proof).then(
          () => 'approved',
          (error: { code?: string }) => error.code,
        );
        expect(refused).to.equal(code);
      }
      const got = await poll(asked.id);
      expect([got.status, got.body['error']]).to.deep.equal([400, 'access_denied']);
    });

    it('gives no more than the lowest level without a number, and says what a higher one needs', async () => {
      const { login, phone } = await personWithPhone(running);
      for (const [client, more] of [
        ['centre', { acr_values: MFA }],
        ['strict', {}],
        ['strict', { acr_values: 'urn:countersign:acr:basic' }],
        ['centre', { scope: 'openid orders.read', resource: API }],
        ['centre', { acr_values: MFA, binding_message: '482913 or 482914' }],
      ] as const) {
        const refused = await ask({ login_hint: login, ...more }, client);
        expect([refused.status, refused.error], JSON.stringify(more)).to.deep.equal([400, 'invalid_binding_message']);
      }
      expect((await phone.pending()).transactions).to.deep.equal([]);
      const asked = await ask({ login_hint: login, binding_message: 'Hello' });
      const request = await waiting(phone);
      expect(request.number_required).to.equal(false);
      await phone.approve(request, { pin: PIN });
      const claims = decodeJwt(String((await poll(asked.id)).body['id_token']));
      expect([claims['acr'], claims['amr']]).to.deep.equal(['urn:countersign:acr:basic', ['swk', 'pin', 'user']]);
    });

    it('refuses levels that a phone alone cannot reach, and messages that no phone can show', async () => {
      const { login } = await personWithPhone(running);
      expect((await ask({ login_hint: login, acr_values: 'phr' })).error).to.equal('unmet_authentication_requirements');
      const essential = JSON.stringify({ id_token: { acr: { essential: true, values: ['urn:nobody'] } } });
      expect((await ask({ login_hint: login, claims: essential })).error).to.equal('unmet_authentication_requirements');
      for (const binding_message of ['x'.repeat(41), 'two\nlines', 'turned\u202eround', ' edge'])
        expect((await ask({ login_hint: login, binding_message })).error).to.equal('invalid_binding_message');
    });

    it('gives the level of a scope to its token', async () => {
      const { login, phone } = await personWithPhone(running);
      const fields = { login_hint: login, scope: 'openid orders.read', resource: API, binding_message: '111222' };
      const asked = await ask(fields);
      await phone.approve(await waiting(phone), { pin: PIN, number: '111222' });
      const got = await poll(asked.id);
      expect(got.status, JSON.stringify(got.body)).to.equal(200);
      const token = decodeJwt(String(got.body['access_token']));
      expect(token).to.deep.include({ aud: API, scope: 'orders.read', acr: MFA });
    });

    it('knows people by sign-in name, address and id_token_hint, and nobody else', async () => {
      const { id, login } = await person(running.house);
      expect((await ask({ login_hint: login })).error).to.equal('access_denied');
      const phone = await phoneOf(running, id);
      for (const login_hint of ['nobody', 'nobody@example.org', '\u0000', 'nobody\u0000@example.org']) {
        const refused = await ask({ login_hint });
        expect([refused.status, refused.error]).to.deep.equal([400, 'unknown_user_id']);
      }
      expect((await ask({})).error).to.equal('invalid_request');
      expect((await ask({ login_hint: login, user_code: '1' })).error).to.equal('invalid_request');
      const byMail = await ask({ login_hint: `${login}@example.org` });
      expect(byMail.status).to.equal(200);
      await phone.deny(await waiting(phone));
      const { request, answer } = await signedIn(running.issuer, login);
      const tokens = await redeem(running.issuer, sentBack(answer).get('code') ?? '', request.verifier);
      // An id_token of another service is no hint of ours.
      expect((await ask({ id_token_hint: String(tokens.body['id_token']) })).error).to.equal('invalid_request');
      const again = await ask({ login_hint: login });
      await phone.approve(await waiting(phone), { pin: PIN });
      const own = String((await poll(again.id)).body['id_token']);
      const hinted = await ask({ id_token_hint: own });
      expect(hinted.status, JSON.stringify(hinted.answer)).to.equal(200);
      expect((await waiting(phone)).kind).to.equal('ciba');
    });

    it('is for clients that prove themselves and may do it, each for its own requests', async () => {
      const { login, phone } = await personWithPhone(running);
      const stranger = await fetch(`${running.issuer}/backchannel`, {
        method: 'POST',
        body: new URLSearchParams({ client_id: 'payroll', scope: 'openid', login_hint: login }),
      });
      expect(((await stranger.json()) as { error: string }).error).to.equal('invalid_request');
      const asked = await ask({ login_hint: login });
      await phone.approve(await waiting(phone), { pin: PIN });
      expect((await poll(asked.id, 'strict')).body['error']).to.equal('invalid_grant');
      expect((await poll(asked.id)).status).to.equal(200);
    });

    it('slows a hasty service down', async () => {
      const { login } = await personWithPhone(running);
      const asked = await ask({ login_hint: login });
      expect((await poll(asked.id)).body['error']).to.equal('authorization_pending');
      const hasty = await poll(asked.id);
      expect([hasty.status, hasty.body['error']]).to.deep.equal([400, 'slow_down']);
      await wait(1050);
      expect((await poll(asked.id)).body['error']).to.equal('authorization_pending');
    });

    it('gives one token to a hundred at once', async () => {
      const { login, phone } = await personWithPhone(running);
      const asked = await ask({ login_hint: login });
      await phone.approve(await waiting(phone), { pin: PIN });
      const all = await Promise.all(Array.from({ length: 100 }, () => poll(asked.id)));
      expect(all.filter(({ status: code }) => code === 200)).to.have.length(1);
      for (const { status: code, body } of all)
        if (code !== 200) expect(body['error']).to.be.oneOf(['slow_down', 'invalid_grant']);
      await wait(1050);
      const late = await poll(asked.id);
      expect(late.body['error']).to.equal('invalid_grant');
    });

    it('has one final answer when approving and denying meet', async () => {
      const { id, login, phone } = await personWithPhone(running);
      const second = await phoneOf(running, id);
      const asked = await ask({ login_hint: login });
      const request = await waiting(phone);
      const answers = await Promise.allSettled([phone.approve(request, { pin: PIN }), second.deny(request)]);
      const won = answers.filter((one) => one.status === 'fulfilled').map((one) => one.value.state);
      expect(won).to.have.length(1);
      const got = await poll(asked.id);
      expect(got.status === 200 ? 'approved' : got.body['error']).to.equal(
        won[0] === 'approved' ? 'approved' : 'access_denied',
      );
    });

    it('asks one person once at a time and not without end, and not at all after a report', async () => {
      const { login, phone } = await personWithPhone(running);
      const first = await ask({ login_hint: login });
      expect(first.status).to.equal(200);
      const second = await ask({ login_hint: login });
      expect([second.status, second.error]).to.deep.equal([403, 'access_denied']);
      await phone.deny(await waiting(phone));
      expect((await poll(first.id)).body['error']).to.equal('access_denied');
      for (const expected of [200, 200, 200, 403]) {
        const asked = await ask({ login_hint: login });
        expect(asked.status).to.equal(expected);
        if (asked.status === 200) await phone.deny(await waiting(phone));
      }
      const other = await personWithPhone(running);
      expect((await ask({ login_hint: other.login })).status).to.equal(200);
      await other.phone.report(await waiting(other.phone));
      expect((await ask({ login_hint: other.login })).error).to.equal('access_denied');
    });

    it('ends in time: as long as the service says, at most ten minutes', async () => {
      const { login, phone } = await personWithPhone(running);
      expect((await ask({ login_hint: login, requested_expiry: '9000' })).answer['expires_in']).to.equal(600);
      await phone.deny(await waiting(phone));
      const asked = await ask({ login_hint: login, requested_expiry: '1' });
      expect(asked.answer['expires_in']).to.equal(1);
      await wait(1500);
      expect((await phone.pending()).transactions).to.deep.equal([]);
      const late = await poll(asked.id);
      expect([late.status, late.body['error']]).to.deep.equal([400, 'expired_token']);
    });

    if (backend === 'servers')
      it('tells the audit once that a request was denied, or was not answered in time', async () => {
        const database = new pg.Client(running.environment['DATABASE_URL']);
        await database.connect();
        try {
          const { id, login, phone } = await personWithPhone(running);
          const denied = await ask({ login_hint: login });
          await phone.deny(await waiting(phone));
          for (let polls = 0; polls < 2; polls += 1) {
            expect((await poll(denied.id)).body['error']).to.be.oneOf(['access_denied', 'slow_down']);
          }
          const late = await ask({ login_hint: login, requested_expiry: '1' });
          await wait(1500);
          expect((await poll(late.id)).body['error']).to.equal('expired_token');
          expect((await poll(late.id)).body['error']).to.equal('expired_token');
          const { rows } = await database.query(
            `select event from audit_events where event ->> 'sub' = $1 and event ->> 'event' = 'authn_level_refused' order by id`,
            [id],
          );
          expect(rows.map(({ event }) => event.reason)).to.deep.equal(['access_denied', 'expired_token']);
          for (const { event } of rows) {
            expect(event).to.deep.include({ outcome: 'failure', clientId: 'centre' });
            expect(event.detail).to.have.property('kind', 'ciba');
            expect(event.requestId).to.be.a('string');
            expect(event.levels).to.have.property('required');
          }
        } finally {
          await database.end();
        }
      });

    it('counts an approval for nothing when phone or person have gone since', async () => {
      const { id, login, phone } = await personWithPhone(running);
      const asked = await ask({ login_hint: login });
      await phone.approve(await waiting(phone), { pin: PIN });
      await phone.unlink();
      expect((await poll(asked.id)).body['error']).to.equal('access_denied');
      const again = await phoneOf(running, id);
      const next = await ask({ login_hint: login });
      await again.approve(await waiting(again), { pin: PIN });
      await running.house.world.records.users.setState(id, 'disabled');
      expect((await poll(next.id)).body['error']).to.be.oneOf(['access_denied', 'invalid_grant']);
    });

    it('pings a service that wants it, again until it has taken it', async () => {
      const { login, phone } = await personWithPhone(running);
      pings.length = 0;
      status = 503;
      const client_notification_token = 'a-token-of-the-service-0001';
      expect((await ask({ login_hint: login }, 'pinged')).error).to.equal('invalid_request');
      const asked = await ask({ login_hint: login, client_notification_token }, 'pinged');
      expect(asked.status, JSON.stringify(asked.answer)).to.equal(200);
      await wait(300);
      expect(pings).to.deep.equal([]);
      await phone.approve(await waiting(phone), { pin: PIN });
      await until(() => pings.length === 1);
      status = 204;
      await until(() => pings.length === 2);
      expect(pings[1]).to.deep.equal({
        url: '/ping',
        authorization: `Bearer ${client_notification_token}`,
        body: { auth_req_id: asked.id },
      });
      expect((await poll(asked.id, 'pinged')).status).to.equal(200);
      await wait(300);
      expect(pings).to.have.length(2);
      const second = await ask({ login_hint: login, client_notification_token }, 'pinged');
      await phone.deny(await waiting(phone));
      await until(() => pings.length === 3);
      expect((await poll(second.id, 'pinged')).body['error']).to.equal('access_denied');
    });

    it('pings no more where the service says that the token is not its own, and never where it is sent to', async () => {
      const { login, phone } = await personWithPhone(running);
      const client_notification_token = 'a-token-of-the-service-0002';
      for (const [code, most] of [
        [200, 1],
        [401, 1],
        [403, 1],
        [301, 2],
      ] as const) {
        pings.length = 0;
        status = code;
        const asked = await ask({ login_hint: login, client_notification_token }, 'pinged');
        await phone.deny(await waiting(phone));
        await until(() => pings.length === 1);
        await wait(1300);
        expect(pings.length, `${code}`).to.be.at.most(most);
        expect(pings.map(({ url }) => url)).to.deep.equal(pings.map(() => '/ping'));
        expect((await poll(asked.id, 'pinged')).body['error']).to.equal('access_denied');
      }
      status = 204;
    });

    it('can be tried from the command line', async () => {
      const { login, phone } = await personWithPhone(running);
      const arguments_ = ['--import', 'tsx', 'src/main.ts', 'ciba', 'centre', login, '--config', running.folder];
      const env = { ...process.env, ...running.environment };
      const child = spawn(process.execPath, [...arguments_, '--acr', MFA], { env, stdio: ['ignore', 'pipe', 'pipe'] });
      let out = '';
      let err = '';
      child.stdout.on('data', (chunk: Buffer) => {
        out += chunk.toString();
      });
      child.stderr.on('data', (chunk: Buffer) => {
        err += chunk.toString();
      });
      const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
      for (let tries = 0; tries < 600 && !/Number \d{6}/.test(out) && child.exitCode === null; tries += 1)
        await wait(25);
      const number = /Number (\d{6})/.exec(out)?.[1] ?? err;
      await phone.approve(await waiting(phone), { pin: PIN, number });
      expect(await ended, err).to.equal(0);
      expect(JSON.parse(out.slice(out.indexOf('{')))).to.include({ acr: MFA, aud: 'centre' });
      expect(out + err).not.to.include(secretOf('centre'));
    });
  });
}
