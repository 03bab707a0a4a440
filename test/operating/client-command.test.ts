// `countersign client try` and `countersign device`: the real command against a running provider; the person signs in with a browser of their own.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect } from 'chai';
import { exportJWK, exportPKCS8, generateKeyPair } from 'jose';
import { submit } from '../interactions/with-phone.ts';
import { PASSWORD, person, type RunningHouse, SERVICE, startHouse } from '../support/house.ts';
import { formOf, HttpBrowser } from '../support/http-browser.ts';
import { logIn } from '../support/service.ts';
import { freePort } from '../support/services.ts';
import { startCommand as begin, endCommands, type StartedCommand as Running } from '../support/started-command.ts';

const SECRET = 'a-secret-of-the-ledger-that-nobody-prints-1234567890';
const ELSEWHERE = 'https://ledger.example.org/callback';

describe('countersign client try', function () {
  this.timeout(180_000);
  let running: RunningHouse;
  let login: string;
  let callback: string;
  const keyFile = (name: string) => join(running.folder, name);

  before(async () => {
    execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: ['ignore', 'ignore', 'inherit'] });
    const port = await freePort();
    callback = `http://localhost:${port}/callback`;
    const bank = await generateKeyPair('ES256', { extractable: true });
    const stranger = await generateKeyPair('ES256', { extractable: true });
    const jwk = { ...(await exportJWK(bank.publicKey)), kid: 'bank-1', use: 'sig', alg: 'ES256' };
    running = await startHouse({
      files: {
        'clients/payroll.yaml': { ...SERVICE, redirect_uris: ['http://localhost:9/callback', callback] },
        'clients/ledger.yaml': {
          ...SERVICE,
          client_id: 'ledger',
          token_endpoint_auth_method: 'client_secret_basic',
          client_secret: SECRET,
          redirect_uris: [ELSEWHERE],
          grant_types: ['authorization_code'],
        },
        'clients/bank.yaml': {
          ...SERVICE,
          client_id: 'bank',
          profile: 'fapi2',
          token_endpoint_auth_method: 'private_key_jwt',
          jwks: { keys: [jwk] },
          application_type: 'native',
          redirect_uris: ['http://127.0.0.1/callback'],
          require_signed_request_object: true,
          authorization_signed_response_alg: 'ES256',
          userinfo_signed_response_alg: 'ES256',
        },
        'clients/tv.yaml': {
          client_id: 'tv',
          client_name: 'Television',
          token_endpoint_auth_method: 'none',
          grant_types: ['urn:ietf:params:oauth:grant-type:device_code'],
          first_party: true,
        },
        'lifetimes.yaml': { poll_interval: '1s' },
        'clients/till.yaml': {
          client_id: 'till',
          client_secret: SECRET.toUpperCase(),
          grant_types: ['urn:openid:params:grant-type:ciba'],
          first_party: true,
        },
      },
    });
    writeFileSync(keyFile('bank.json'), JSON.stringify(await exportJWK(bank.privateKey)));
    writeFileSync(keyFile('stranger.pem'), await exportPKCS8(stranger.privateKey));
    ({ login } = await person(running.house));
  });
  // One that still waits would keep the client's port.
  afterEach(endCommands);
  after(() => running?.close());

  const start = (...args: string[]) => startCommand('client', 'try', ...args);
  const startCommand = (...args: string[]) => begin([...args, '--config', running.folder], running.environment);

  /** Signs in at the link; the address that the browser is sent to, without going there. */
  async function signIn(command: Running): Promise<string> {
    const browser = new HttpBrowser();
    const link = new URL(await command.link());
    const away = (url: string) => new URL(url).origin !== link.origin;
    const page = await browser.visit(link.href, away);
    const { url, fields } = formOf(page, '/login');
    let answer = await browser.post(url, { ...fields, login, password: PASSWORD }, away);
    if (answer.text.includes('/consent"')) {
      const form = formOf(answer, '/consent');
      answer = await browser.post(form.url, { ...form.fields, answer: 'allow' }, away);
    }
    return answer.location ?? `${answer.status} ${answer.text}`;
  }

  it('hears the answer at the client’s address on this machine, and explains parameters and claims', async () => {
    const command = start(
      'payroll',
      '--redirect-uri',
      callback,
      '--acr',
      'basic',
      '--max-age',
      '600',
      '--scope',
      'openid offline_access profile',
      '--prompt',
      'consent',
    );
    const address = await signIn(command);
    expect((await fetch(callback)).status).to.equal(404);
    expect((await fetch(`${callback}?state=another&code=x`)).status).to.equal(404);
    const page = await fetch(address);
    expect(await page.text()).to.include('go back to the terminal');
    expect(await command.ended, command.output()).to.equal(0);
    const said = command.stdout();
    expect(said).to.match(/acr_values = urn:countersign:acr:basic\n {6}the level that has to be reached/);
    expect(said).to.match(/max_age = 600\n {6}no proof may be older than 600 s/);
    expect(said).to.match(/offline_access: a refresh token/);
    expect(said).to.match(/acr = urn:countersign:acr:basic\n {6}level basic was reached \(password\)/);
    expect(said).to.match(/amr = \["pwd"\]\n {6}pwd: a password/);
    expect(said).to.match(/auth_time = \d+\n {6}the oldest proof that counts is from \S+Z, \d+ s ago/);
    expect(said).to.match(/preferred_username = person\d+\n/);
    expect(said).to.include('The level that was asked for was reached.').and.include('refresh_token: yes');
    expect(said).to.match(/no proof: the client is public/);
    expect(said).not.to.include('passed over');
    // Neither tokens nor the code.
    expect(said).not.to.include('eyJ').and.not.include(new URL(address).searchParams.get('code'));
  });

  it('says of a level that nobody knows here that any will do', async () => {
    const command = start('ledger', '--acr', 'strong');
    await command.link();
    command.child.stdin?.end();
    await command.ended;
    expect(command.stdout()).to.include('acr_values = strong\n');
    expect(command.stdout())
      .to.include('none of these is known here, so they are passed over')
      .and.include('urn:countersign:acr:mfa');
  });

  it('takes a pasted address where the client’s own is elsewhere, and tells what it learned as JSON', async () => {
    const command = start('ledger', '--json');
    const address = await signIn(command);
    expect(address.startsWith(ELSEWHERE)).to.equal(true);
    command.child.stdin?.write(`${ELSEWHERE}?code=x&state=of-another-request\n`);
    command.child.stdin?.write(`${address}\n`);
    expect(await command.ended, command.output()).to.equal(0);
    const report = JSON.parse(command.stdout());
    expect(report.request.parameters).to.include({
      client_id: 'ledger',
      code_challenge_method: 'S256',
      scope: 'openid',
    });
    expect(report.id_token).to.include({ aud: 'ledger', acr: 'urn:countersign:acr:basic' });
    expect(report.userinfo.sub).to.equal(report.id_token.sub);
    expect(report.tokens).to.deep.include({ token_type: 'Bearer', refresh_token: false, access_token: 'opaque' });
    expect(command.output()).to.include('This is not the answer to this request');
    expect(command.output()).not.to.include(SECRET);
  });

  it('takes no code to the token endpoint that another provider has given (RFC 9207)', async () => {
    const command = start('ledger');
    const address = new URL(await signIn(command));
    address.searchParams.set('iss', 'https://another.example.org');
    command.child.stdin?.write(`${address.href}\n`);
    expect(await command.ended).to.equal(1);
    expect(command.output()).to.include('not from this provider: iss is https://another.example.org');
    expect(command.output()).not.to.include('4. Tokens');
  });

  it('does all that fapi2 demands: pushed and signed request, private_key_jwt, DPoP, signed answer', async () => {
    const command = start('bank', '--key', keyFile('bank.json'));
    const link = new URL(await command.link());
    expect([...link.searchParams.keys()].sort()).to.deep.equal(['client_id', 'request_uri']);
    const address = await signIn(command);
    expect([...new URL(address).searchParams.keys()]).to.deep.equal(['response']);
    await fetch(address);
    expect(await command.ended, command.output()).to.equal(0);
    const said = command.stdout();
    for (const words of ['PAR', 'JAR', 'JARM', 'a JWT signed with its private key', 'bound to the DPoP key'])
      expect(said).to.include(words);
    expect(said)
      .to.match(/aud = bank\n/)
      .and.match(/6\. Userinfo[\s\S]+sub = /);
  });

  it('says which key it needs, and which it does not take', async () => {
    for (const [args, wanted] of [
      [[], /hand in its private key with --key FILE/],
      [['--key', keyFile('stranger.pem')], /no private key whose public part stands in jwks of clients\/bank\.yaml/],
      [['--key', keyFile('server.yaml')], /holds no private key/],
    ] as const) {
      const command = start('bank', ...args);
      expect(await command.ended).to.equal(1);
      expect(command.output()).to.match(wanted);
    }
  });

  it('explains an error of the authorization endpoint with the page of errors', async () => {
    const command = start('payroll', '--redirect-uri', callback, '--prompt', 'none');
    const browser = new HttpBrowser();
    const answer = await browser.request(await command.link());
    await fetch(answer.location ?? '');
    expect(await command.ended, command.output()).to.equal(1);
    expect(command.stdout()).to.include('Refused by the authorization endpoint: login_required');
    expect(command.stdout()).to.include('Send the person once more without it.');
    expect(command.stdout()).to.include('docs/relying-services/errors.md#login_required');
  });

  it('explains an error of the token endpoint, and asks for the address where the port is taken', async () => {
    const taken = createServer().listen(Number(new URL(callback).port), '127.0.0.1');
    const command = start('payroll', '--redirect-uri', callback, '--json');
    const address = new URL(await signIn(command));
    address.searchParams.set('code', 'not-the-code');
    command.child.stdin?.write(`${address.search}\n`);
    expect(await command.ended, command.output()).to.equal(1);
    taken.close();
    expect(command.output()).to.include(`Something listens at ${callback} already`);
    const { error } = JSON.parse(command.stdout());
    expect(error).to.include({ error: 'invalid_grant', at: 'the token endpoint' });
    expect(error.meaning).to.include('Retrying the same request never helps');
  });

  it('plays a device without a keyboard, and one whose person says no', async () => {
    const confirmed = async (device: Running, more: Record<string, string> = {}) => {
      const browser = new HttpBrowser();
      const code = /type: ([A-Z]{4}-[A-Z]{4})\n/.exec(device.output())?.[1] ?? device.output();
      const link = await browser.visit(await device.link());
      const question = await submit(browser, link, '/device');
      expect(question.text).to.include(code);
      return { browser, page: await submit(browser, question, '/device', more) };
    };
    const device = startCommand('device', 'tv', '--acr', 'urn:countersign:acr:basic');
    const { browser, page } = await confirmed(device);
    const done = await logIn(browser, page, login);
    expect(done.text).to.include('Your device is signed in');
    expect(await device.ended, device.output()).to.equal(0);
    const said = device.stdout();
    expect(said).to.match(/[█▀▄]{10}/);
    expect(JSON.parse(said.slice(said.indexOf('{')))).to.include({ aud: 'tv', acr: 'urn:countersign:acr:basic' });
    const refused = startCommand('device', 'tv', '--no-qr');
    await confirmed(refused, { abort: 'yes' });
    expect(await refused.ended).to.equal(1);
    expect(refused.stdout()).not.to.match(/[█▀▄]/);
    expect(refused.output()).to.match(
      /refused with access_denied[\s\S]+Offer to start again[\s\S]+errors\.md#access_denied/,
    );
  });

  it('says which command tries the other kinds of clients', async () => {
    const command = start('till');
    expect(await command.ended).to.equal(1);
    expect(command.output()).to.include('try countersign ciba till SIGN-IN-NAME');
    const device = start('tv');
    expect(await device.ended).to.equal(1);
    expect(device.output()).to.include('try countersign device tv');
    const nobody = start('nobody');
    expect(await nobody.ended).to.equal(1);
    expect(nobody.output()).to.match(/there is no client nobody .* bank, ledger, payroll, till, tv/);
  });
});
