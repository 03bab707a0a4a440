// `countersign client try` of clients that show a certificate: through the very HAProxy of deploy/, which asks for it at a port of its own.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Agent, type Dispatcher, getGlobalDispatcher, setGlobalDispatcher } from 'undici';
import { parse } from 'yaml';
import { type ClientCertificate, selfSigned, signed } from '../support/client-certificates.ts';
import { base, SERVICE, startHouse, writeFiles } from '../support/house.ts';
import { HttpBrowser } from '../support/http-browser.ts';
import { certificates } from '../support/production.ts';
import { type RunningProxy, startHaproxy } from '../support/proxies.ts';
import { logIn } from '../support/service.ts';
import { freePort } from '../support/services.ts';
import { endCommands, type StartedCommand, startCommand } from '../support/started-command.ts';
import { type RunningWorld, startWorld } from '../support/world.ts';

const BOUND = { tls_client_certificate_bound_access_tokens: true };
const APP = { ...SERVICE, application_type: 'native', redirect_uris: ['http://127.0.0.1/callback'] };
const DN = 'CN=Bank,O=Bank Inc,C=DE';

describe('countersign client try, with a certificate', function () {
  this.timeout(180_000);
  let folder: string;
  let world: RunningWorld;
  let proxy: RunningProxy;
  let usual: Dispatcher;
  let ca: string;
  let certificateOrigin: string;
  let made: { [name in 'bank' | 'other' | 'forged' | 'own' | 'another']: ClientCertificate };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'countersign-shown-'));
    const server = certificates(folder);
    ca = server.ca;
    const authority = selfSigned(folder, 'clients', '/CN=Clients CA');
    const strangers = selfSigned(folder, 'strangers', '/CN=Strangers CA');
    const subject = '/C=DE/O=Bank Inc/CN=Bank';
    made = {
      bank: signed(folder, 'bank', authority, subject, 'extendedKeyUsage=clientAuth'),
      other: signed(folder, 'other', authority, '/C=DE/O=Other/CN=Bank', 'extendedKeyUsage=clientAuth'),
      forged: signed(folder, 'forged', strangers, subject, 'extendedKeyUsage=clientAuth'),
      own: selfSigned(folder, 'own', '/CN=own'),
      another: selfSigned(folder, 'another', '/CN=own'),
    };
    const x5c = [made.own.x509.raw.toString('base64')];
    const jwks = { keys: [{ ...made.own.x509.publicKey.export({ format: 'jwk' }), x5c }] };
    const bySubject = { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: DN };
    const [port, second] = await Promise.all([freePort(), freePort()]);
    certificateOrigin = `https://localhost:${second}`;
    world = await startWorld({
      backend: 'servers',
      issuer: `https://localhost:${port}`,
      people: ['ada'],
      watched: true,
      server: {
        trusted_proxies: ['127.0.0.1/32'],
        mtls: {
          certificate_header: 'X-Client-Cert',
          client_ca_file: authority.certFile,
          origin: certificateOrigin,
        },
      },
      files: {
        'clients/bank.yaml': { ...APP, client_id: 'bank', ...bySubject },
        'clients/treasury.yaml': { ...APP, client_id: 'treasury', profile: 'fapi2', ...bySubject },
        'clients/ledger.yaml': {
          ...APP,
          client_id: 'ledger',
          profile: 'fapi2',
          token_endpoint_auth_method: 'self_signed_tls_client_auth',
          jwks,
          ...BOUND,
        },
        'clients/app.yaml': { ...APP, client_id: 'app', ...BOUND },
        'clients/plain.yaml': { ...APP, client_id: 'plain' },
      },
    });
    const [node, watched] = [world.nodes[0]?.origin, world.nodes[0]?.watch].map((url) =>
      Number(new URL(url ?? '').port),
    ) as [number, number];
    proxy = await startHaproxy({
      port,
      certificate: server,
      nodes: [node, node],
      watch: [watched, watched],
      mutualTls: { port: second, ca: authority.certFile },
    });
    usual = getGlobalDispatcher();
    setGlobalDispatcher(new Agent({ connect: { ca: readFileSync(ca, 'utf8'), family: 4 } }));
  });
  afterEach(endCommands);
  after(async () => {
    if (usual) setGlobalDispatcher(usual);
    await proxy?.close();
    await world?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = (...args: string[]): StartedCommand =>
    startCommand(['client', 'try', ...args, '--config', world.nodes[0]?.folder ?? ''], {
      ...world.environment,
      NODE_EXTRA_CA_CERTS: ca,
    });
  const shown = (name: keyof typeof made) => ['--cert', made[name].certFile, '--cert-key', made[name].keyFile];

  /** Signs in at the link and follows it to where the command listens. */
  async function through(command: StartedCommand): Promise<string> {
    const browser = new HttpBrowser();
    const answer = await logIn(browser, await browser.visit(await command.link()), 'ada');
    expect(answer.text).to.contain('go back to the terminal');
    expect(await command.ended, command.output()).to.equal(0);
    return command.stdout();
  }
  /** What it says when it ends before it asks anybody anything. */
  async function refused(...args: string[]): Promise<string> {
    const command = start(...args);
    expect(await command.ended, command.output()).to.equal(1);
    expect(command.output()).not.to.contain('1. Discovery');
    return command.output();
  }

  it('shows one of an authority at the address where it is asked for', async () => {
    const said = await through(start('bank', ...shown('bank')));
    expect(said).to.contain(`4. Tokens: POST ${certificateOrigin}/token`);
    expect(said).to.contain('in TLS a certificate that an authority signed (RFC 8705)').and.contain('It works.');
    expect(said).not.to.contain('BEGIN').and.not.contain('bound to');
  });

  it('does all that fapi2 demands: pushed at that address, tokens bound to the certificate, or to a DPoP key beside it', async () => {
    const ledger = await through(start('ledger', ...shown('own')));
    expect(ledger).to.contain(`${certificateOrigin}/request`).and.contain('bound to the certificate');
    expect(ledger).to.match(/6\. Userinfo: GET \S+ with the access token and the certificate\n {3}sub = /);
    expect(await through(start('treasury', ...shown('bank')))).to.contain('bound to the DPoP key');
  });

  it('shows one of a public client whose tokens are bound, from one file', async () => {
    const both = join(folder, 'both.pem');
    execFileSync('sh', ['-c', `cat ${made.another.certFile} ${made.another.keyFile} > ${both}`]);
    expect(await through(start('app', '--cert', both))).to.contain('bound to the certificate');
  });

  it('says beforehand what the provider would refuse without a word, and what to hand in', async () => {
    expect(await refused('bank')).to.contain('hand it in with --cert FILE and --cert-key FILE');
    const other = await refused('bank', ...shown('other'));
    expect(other).to.contain(`tls_client_auth_subject_dn is ${DN}`).and.contain('subject CN=Bank,O=Other,C=DE');
    expect(await refused('bank', ...shown('forged'))).to.contain('mtls.client_ca_file: its issuer is CN=Strangers CA');
    expect(await refused('ledger', ...shown('another'))).to.contain('none of its jwks has it as x5c');
    const mixed = ['--cert', made.bank.certFile, '--cert-key', made.own.keyFile];
    expect(await refused('bank', ...mixed)).to.contain('the key of another certificate');
    expect(await refused('bank', '--cert', made.bank.certFile)).to.contain('holds no private key in PEM');
    expect(await refused('bank', '--cert', made.bank.keyFile)).to.contain('holds no certificate in PEM');
    expect(await refused('plain', ...shown('own'))).to.contain('wants no certificate');
  });

  it('says so where the server that runs takes no certificates, or has no TLS to show one in', async () => {
    const mtls = { certificate_header: 'X-Client-Cert', client_ca_file: join(folder, 'clients.pem') };
    const files = (port: number, more: object) => ({
      'server.yaml': { ...base(`http://localhost:${port}`)['server.yaml'], trusted_proxies: ['127.0.0.1/32'], ...more },
    });
    const bank = {
      'clients/bank.yaml': {
        ...APP,
        client_id: 'bank',
        token_endpoint_auth_method: 'tls_client_auth',
        tls_client_auth_subject_dn: DN,
      },
    };
    for (const [running, wanted] of [
      [{}, 'takes no certificates of clients (discovery offers'],
      [{ mtls }, 'by TLS only, and the token endpoint is http://localhost:'],
    ] as const) {
      const house = await startHouse({ files: (own) => files(own, running) });
      try {
        // The files have mtls by now, whatever the server was started with.
        writeFiles(house.folder, { ...files(Number(new URL(house.issuer).port), { mtls }), ...bank });
        const command = startCommand(
          ['client', 'try', 'bank', ...shown('bank'), '--config', house.folder],
          house.environment,
        );
        expect(await command.ended, command.output()).to.equal(1);
        expect(command.output()).to.contain(wanted);
      } finally {
        await house.close();
      }
    }
  });

  it('says where to look when the provider refuses what fits', async () => {
    const files = join(folder, 'files');
    cpSync(world.nodes[0]?.folder ?? '', files, { recursive: true });
    const x5c = [made.another.x509.raw.toString('base64')];
    const jwks = { keys: [{ ...made.another.x509.publicKey.export({ format: 'jwk' }), x5c }] };
    const ledger = parse(readFileSync(join(files, 'clients', 'ledger.yaml'), 'utf8')) as object;
    writeFiles(files, { 'clients/ledger.yaml': { ...ledger, jwks } });
    const command = startCommand(['client', 'try', 'ledger', ...shown('another'), '--config', files], {
      ...world.environment,
      NODE_EXTRA_CA_CERTS: ca,
    });
    expect(await command.ended, command.output()).to.equal(1);
    expect(command.output()).to.contain('Refused by the pushed authorization request endpoint: invalid_client');
    expect(command.output()).to.contain('pass it on in mtls.certificate_header?');
  });
});
