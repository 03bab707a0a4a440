// Two nodes behind nginx and behind HAProxy, by the files of deploy/: sign-in over https, streams that are not held back, the right client address.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import pg from 'pg';
import { Agent, type Dispatcher, getGlobalDispatcher, request, setGlobalDispatcher } from 'undici';
import { parse } from 'yaml';
import { addPhone, MFA, PIN, proveMailbox, scannedLink, submit } from '../interactions/with-phone.ts';
import { type ClientCertificate, selfSigned, signed } from '../support/client-certificates.ts';
import { formOf, HttpBrowser } from '../support/http-browser.ts';
import { certificates } from '../support/production.ts';
import { type ProxyParts, type RunningProxy, startComposeProxy, startHaproxy, startNginx } from '../support/proxies.ts';
import { atService, authorization, logIn, redeem, sentBack, signedIn } from '../support/service.ts';
import { freePort, listens } from '../support/services.ts';
import { type Node, type RunningWorld, startWorld } from '../support/world.ts';

/** Where the test's browser sits: on loopback, and not where the proxy does. */
const CLIENT = '127.0.0.2';
/** Longest time until something that was sent must be there, in milliseconds: held back it would come after minutes. */
const AT_ONCE = 3000;
/** The demo service has a name of its own at the proxy, with the proxy's port. */
const DEMO_NAME = '127.0.0.1';
const DEMO_SECRET = 'the-demo-of-compose-and-its-secret-0123456789';

/** What deploy/compose/demo has for the demo service, with the name and the secret put in. */
function demoFiles(port: number): { [path: string]: object } {
  const file = (path: string) => {
    const text = readFileSync(join('deploy/compose/demo', path), 'utf8');
    return parse(text.replaceAll('demo.example.org', `${DEMO_NAME}:${port}`)) as { [key: string]: unknown };
  };
  const { client_secret_file: _file, ...client } = file('clients/demo.yaml');
  return {
    'clients/demo.yaml': { ...client, client_secret: DEMO_SECRET },
    'resources/demo-api.yaml': file('resources/demo-api.yaml'),
    'outbound.yaml': { allow: [`${DEMO_NAME}:${port}`] },
  };
}

for (const [name, start] of [
  ['nginx', startNginx],
  ['HAProxy', startHaproxy],
] as const)
  describe(`behind ${name}`, function () {
    this.timeout(180_000);
    let folder: string;
    let world: RunningWorld;
    let proxy: RunningProxy;
    let database: pg.Client;
    let usual: Dispatcher;
    let first: Node;
    let certificateOrigin: string;
    let bank: ClientCertificate;
    let own: ClientCertificate;
    let ca: string;
    let parts: ProxyParts;
    let demo: ChildProcess | undefined;

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), 'countersign-proxies-'));
      const server = certificates(folder);
      const { cert, key } = server;
      ca = readFileSync(server.ca, 'utf8');
      const [port, second] = await Promise.all([freePort(), freePort()]);
      const authority = selfSigned(folder, 'clients', '/CN=Clients CA');
      bank = signed(folder, 'bank', authority, '/C=DE/CN=Bank', 'extendedKeyUsage=clientAuth');
      own = selfSigned(folder, 'own', '/CN=own');
      certificateOrigin = name === 'nginx' ? `https://mtls.localhost:${port}` : `https://localhost:${second}`;
      const jwk = { ...own.x509.publicKey.export({ format: 'jwk' }), x5c: [own.x509.raw.toString('base64')] };
      const issuer = `https://localhost:${port}`;
      world = await startWorld({
        backend: 'servers',
        nodes: 2,
        issuer,
        watched: true,
        people: ['ada'],
        // A node tells the demo service by TLS that a session has ended.
        environment: { NODE_EXTRA_CA_CERTS: server.ca },
        // The browser sits in the trusted network too, as people of a company do: then only the proxy keeps a claim out.
        server: {
          trusted_proxies: ['127.0.0.0/8'],
          shutdown: { delay: 2, grace: 5 },
          mtls: {
            certificate_header: 'X-Client-Cert',
            client_ca_file: authority.certFile,
            origin: certificateOrigin,
          },
        },
        files: {
          ...demoFiles(port),
          'clients/bank.yaml': {
            client_id: 'bank',
            grant_types: ['client_credentials'],
            token_endpoint_auth_method: 'tls_client_auth',
            tls_client_auth_subject_dn: 'CN=Bank,C=DE',
            tls_client_certificate_bound_access_tokens: true,
          },
          'clients/robot.yaml': {
            client_id: 'robot',
            grant_types: ['client_credentials'],
            token_endpoint_auth_method: 'self_signed_tls_client_auth',
            jwks: { keys: [jwk] },
          },
        },
      });
      const [one, two] = world.nodes;
      if (!one || !two) throw new Error('two nodes were asked for');
      first = one;
      const ports = (urls: [string, string]) => urls.map((url) => Number(new URL(url).port)) as [number, number];
      parts = {
        port,
        certificate: { cert, key },
        nodes: ports([one.origin, two.origin]),
        watch: ports([one.watch, two.watch]),
        mutualTls: { port: second, ca: authority.certFile },
      };
      proxy = await start(parts);
      usual = getGlobalDispatcher();
      setGlobalDispatcher(new Agent({ localAddress: CLIENT, connect: { ca, family: 4 } }));
      database = new pg.Client({ connectionString: world.environment['DATABASE_URL'] });
      await database.connect();
    });
    after(async () => {
      if (usual) setGlobalDispatcher(usual);
      demo?.kill('SIGTERM');
      await database?.end();
      await proxy?.close();
      await world?.close();
      rmSync(folder, { recursive: true, force: true });
    });

    async function signIn(): Promise<void> {
      const { request: asked, answer } = await signedIn(world.issuer, 'ada');
      await redeem(world.issuer, sentBack(answer).get('code') ?? '', asked.verifier);
    }

    /** The address that the audit has for a wrong password. */
    async function addressFor(headers: Record<string, string>): Promise<string> {
      const browser = new HttpBrowser();
      const page = await browser.visit(authorization(world.issuer).url, atService);
      const form = formOf(page, '/login');
      const body = new URLSearchParams({ ...form.fields, login: 'nobody', password: 'not it' }).toString();
      await browser.request(form.url, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          origin: world.issuer,
          'sec-fetch-site': 'same-origin',
          ...headers,
        },
        body,
      });
      const { rows } = await database.query<{ ip: string }>(
        `select event ->> 'ip' as ip from audit_events where event ->> 'outcome' = 'failure' and event ->> 'ip' is not null order by id desc limit 1`,
      );
      return rows[0]?.ip ?? '';
    }

    it('signs people in over https, with both nodes answering', async () => {
      for (let round = 0; round < 4; round += 1) await signIn();
      for (const node of world.nodes) expect(node.output()).to.contain('/token');
      const metadata = await fetch(`${world.issuer}/.well-known/openid-configuration`);
      expect(((await metadata.json()) as { issuer: string }).issuer).to.equal(world.issuer);
    });

    it('sees the address of the browser, and not the one that it claims', async () => {
      expect(await addressFor({})).to.equal(CLIENT);
      expect(await addressFor({ 'x-forwarded-for': '198.51.100.7' })).to.equal(CLIENT);
      expect(await addressFor({ forwarded: 'for=198.51.100.8', 'x-real-ip': '198.51.100.9' })).to.equal(CLIENT);
    });

    /** The status of a token request. @param shown the certificate in TLS. @param claimed the one in a header. */
    async function tokenStatus(
      origin: string,
      client_id: string,
      { shown, claimed }: { shown?: ClientCertificate; claimed?: ClientCertificate } = {},
    ): Promise<number> {
      const files = shown && { cert: readFileSync(shown.certFile), key: readFileSync(shown.keyFile) };
      const { hostname: servername, host, port } = new URL(origin);
      const dispatcher = new Agent({ localAddress: CLIENT, connect: { ca, family: 4, servername, ...files } });
      try {
        const { statusCode, body } = await request(`https://localhost:${port}/token`, {
          dispatcher,
          method: 'POST',
          headers: {
            host,
            'content-type': 'application/x-www-form-urlencoded',
            ...(claimed && { 'x-client-cert': encodeURIComponent(claimed.pem) }),
          },
          body: `grant_type=client_credentials&client_id=${client_id}`,
        });
        await body.dump();
        return statusCode;
      } finally {
        await dispatcher.close();
      }
    }

    it('passes certificates of clients on from TLS, and never from a header of theirs (RFC 8705)', async () => {
      expect(await tokenStatus(certificateOrigin, 'bank', { shown: bank })).to.equal(200);
      expect(await tokenStatus(certificateOrigin, 'robot', { shown: own })).to.equal(200);
      expect(await tokenStatus(certificateOrigin, 'bank', { shown: own })).to.equal(401);
      expect(await tokenStatus(certificateOrigin, 'bank')).to.equal(401);
      for (const origin of [certificateOrigin, world.issuer]) {
        expect(await tokenStatus(origin, 'bank', { claimed: bank }), origin).to.equal(401);
        expect(await tokenStatus(origin, 'robot', { claimed: own }), origin).to.equal(401);
      }
      expect(await tokenStatus(certificateOrigin, 'robot', { shown: bank, claimed: own })).to.equal(401);
    });

    it('holds no stream back: a waiting browser hears at once what its phone did', async () => {
      const adding = await signedIn(world.issuer, 'ada', { acr_values: MFA });
      const ready = await proveMailbox(world, adding.browser, adding.answer, 'ada@example.org');
      const { phone } = await addPhone(world, adding.browser, ready);
      const { browser, request: asked, answer } = await signedIn(world.issuer, 'ada', { acr_values: MFA });
      const begun = performance.now();
      const headers = { cookie: browser.cookiesFor(new URL(answer.url).pathname) };
      const stream = await fetch(`${answer.url}/events`, { headers });
      const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
      expect((await reader?.read())?.value).to.contain('retry:');
      expect(performance.now() - begun, 'the first word').to.be.below(AT_ONCE);
      const pending = await phone.claim(await scannedLink(browser, answer));
      await phone.approve(pending, { pin: PIN });
      const told = performance.now();
      let heard = '';
      while (!heard.includes('"approved"')) {
        const { value, done } = (await reader?.read()) ?? { done: true };
        if (done) break;
        heard += value;
      }
      expect(heard).to.contain('"approved"');
      expect(performance.now() - told).to.be.below(AT_ONCE);
      const back = await submit(browser, answer, '/finish');
      const { claims } = await redeem(world.issuer, sentBack(back).get('code') ?? '', asked.verifier);
      expect(claims['acr']).to.equal(MFA);
    });

    // nginx asks nobody for readiness: it learns that a node left from the first connection that is refused.
    if (name === 'HAProxy')
      it('fails nothing while a node leaves under load', async () => {
        const failures: string[] = [];
        const running: Promise<void>[] = [];
        const beat = setInterval(() => {
          running.push(signIn().catch((error: Error) => void failures.push(error.message.slice(0, 200))));
        }, 200);
        await wait(1000);
        const code = await first.stop();
        await wait(1000);
        clearInterval(beat);
        await Promise.all(running);
        expect(code).to.equal(0);
        expect(failures).to.deep.equal([]);
        expect(running.length).to.be.at.least(15);
        await first.start();
        await wait(2500);
      });

    // From here on it is the proxy of compose.yaml.
    if (name === 'HAProxy')
      it('leads to the demo service of compose.yaml by its name: sign-in, its API, and the end of the session', async () => {
        const port = await freePort();
        const origin = `https://${DEMO_NAME}:${parts.port}`;
        demo = spawn(process.execPath, ['dist/examples/demo-service/main.js'], {
          stdio: 'ignore',
          env: {
            ...process.env,
            ISSUER: world.issuer,
            DEMO_PORT: `${port}`,
            DEMO_ORIGIN: origin,
            DEMO_CLIENT_SECRET: DEMO_SECRET,
            NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
          },
        });
        await proxy.close();
        proxy = await startComposeProxy(parts, { host: DEMO_NAME, port });
        for (const end = Date.now() + 20_000; !(await listens(port)); await wait(50))
          expect(Date.now()).to.be.below(end);
        const browser = new HttpBrowser();
        const asked = await browser.request(`${origin}/desk`);
        expect(asked.location).to.contain(`${world.issuer}/auth?`);
        expect(asked.headers.get('set-cookie')).to.match(/^harbour_payroll=.*; secure/i);
        const page = await browser.visit(asked.location ?? '');
        const desk = await logIn(browser, page, 'ada');
        expect(desk.url).to.equal(`${origin}/desk`);
        expect(desk.text).to.contain('urn:countersign:acr:basic');
        // The service asks its API by the same name and is told what is missing.
        const more = await browser.request(`${origin}/payslips`);
        expect(new URL(more.location ?? '').searchParams.get('acr_values')).to.equal(MFA);
        // Signed out at the issuer: a node tells the service under its public name, through the same proxy.
        const question = await browser.visit(`${world.issuer}/session/end`);
        const confirm = formOf(question, '/session/end/confirm');
        await browser.post(confirm.url, { ...confirm.fields, logout: 'yes' });
        const leads = async () => (await browser.request(`${origin}/desk`)).location;
        for (const end = Date.now() + 10_000; (await leads()) === undefined; await wait(100))
          expect(Date.now(), 'told of the end').to.be.below(end);
      });

    it('goes on where a node has died', async () => {
      await first.kill();
      for (let round = 0; round < 3; round += 1) await signIn();
    });
  });
