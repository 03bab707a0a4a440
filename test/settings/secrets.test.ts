// Secrets: how they are written, how strong they must be, and that none is ever printed.
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect } from 'chai';
import { Command } from 'commander';
import { addConfigCommands } from '../../src/cli/config.ts';
import { newSecret } from '../../src/settings/demo-secrets.ts';
import type { Environment } from '../../src/settings/reading.ts';
import { folderOf, problemsOf, production, productionSecrets, settingsOf } from './folders.ts';

const client = (line: string) => ({
  'clients/payroll.yaml': `client_id: payroll\n${line}\nredirect_uris: [https://payroll.example.org/callback]\n`,
});

/** keys.yaml with other lines for one of its keys. */
async function keys(name: string, lines: string[]): Promise<{ 'keys.yaml': string }> {
  const text = (await production())['keys.yaml'] ?? '';
  const kept = text.replace(new RegExp(`^${name}(_file)?:.*\\n(?:  .*\\n)*`, 'm'), '');
  return { 'keys.yaml': `${[...lines, ''].join('\n')}${kept}` };
}

async function secretsFile(name: string, content: string, mode = 0o600): Promise<string> {
  const file = join(await productionSecrets(), name);
  writeFileSync(file, content);
  chmodSync(file, mode);
  return file;
}

describe('settings: how a secret is written', () => {
  before(productionSecrets);

  it('inline, from the environment, from a file that the environment names, from a file', async () => {
    const secret = newSecret();
    const file = await secretsFile('written', `${secret}\n`);
    const ways: [string, Environment][] = [
      [`client_secret: ${secret}`, {}],
      // biome-ignore lint/suspicious/noTemplateCurlyInString: this is the spelling that operators use
      ['client_secret: ${env:PAYROLL}', { PAYROLL: secret }],
      // biome-ignore lint/suspicious/noTemplateCurlyInString: this is the spelling that operators use
      ['client_secret: ${env:PAYROLL}', { PAYROLL_FILE: file }],
      [`client_secret_file: ${file}`, {}],
    ];
    for (const [line, environment] of ways) {
      const { settings } = await settingsOf(client(line), environment);
      expect(settings.clients[0]?.metadata.client_secret).to.equal(secret);
    }
  });

  it('refuses a variable that is not set, one that is set twice, and half a reference', async () => {
    // biome-ignore-start lint/suspicious/noTemplateCurlyInString: this is the spelling that operators use
    expect(await problemsOf(client('client_secret: ${env:PAYROLL}'))).to.deep.equal([
      'clients/payroll.yaml:2:1: client_secret: the environment has no PAYROLL (and no PAYROLL_FILE) (it is [secret])',
    ]);
    expect(
      await problemsOf(client('client_secret: ${env:PAYROLL}'), { PAYROLL: 'a', PAYROLL_FILE: 'b' }),
    ).to.deep.equal([
      'clients/payroll.yaml:2:1: client_secret: PAYROLL and PAYROLL_FILE are both set: keep one (it is [secret])',
    ]);
    expect(await problemsOf(client('client_secret: a${env:PAYROLL}'), { PAYROLL: 'a' })).to.deep.equal([
      'clients/payroll.yaml:2:1: client_secret: a reference is the whole value: "${env:NAME}" with a name of letters, digits and "_" (it is [secret])',
    ]);
    // biome-ignore-end lint/suspicious/noTemplateCurlyInString: this is the spelling that operators use
  });

  it('refuses a file that cannot be read, and hides what looks like a secret in its place', async () => {
    expect(await problemsOf(client('client_secret_file: /nowhere/secret'))).to.deep.equal([
      'clients/payroll.yaml:2:1: client_secret_file: names a file that cannot be read (it is "/nowhere/secret")',
    ]);
    expect(await problemsOf(client('client_secret_file: hunter2hunter2'))).to.deep.equal([
      'clients/payroll.yaml:2:1: client_secret_file: names a file that cannot be read (it is [secret])',
    ]);
  });

  it('refuses a file that everybody may change, and notes one that everybody may read', async () => {
    const writable = await secretsFile('writable', newSecret(), 0o602);
    expect(await problemsOf(client(`client_secret_file: ${writable}`))).to.deep.equal([
      `clients/payroll.yaml:2:1: client_secret_file: everybody on this machine may change this file: take that right away (chmod o-w) (it is ${
        writable.length > 78 ? `"${writable.slice(0, 78)}…` : `"${writable}"`
      })`,
    ]);
    const readable = await secretsFile('readable', newSecret(), 0o604);
    const { notes } = await settingsOf(client(`client_secret_file: ${readable}`));
    expect(notes).to.include(
      'clients/payroll.yaml:2: client_secret_file: everybody on this machine may read this file: take that right away (chmod o-rwx)',
    );
  });
});

describe('settings: how strong a secret is', () => {
  before(productionSecrets);

  it('refuses every missing secret, one line each', async () => {
    const required = (key: string) =>
      `keys.yaml: ${key}: is required: run "countersign keys generate", it makes the files and prints what to write here`;
    const files = await production();
    delete files['keys.yaml'];
    const { loadSettings } = await import('../../src/settings/load.ts');
    const { formatProblem } = await import('../../src/settings/problems.ts');
    const loaded = loadSettings(folderOf(files), {});
    expect(loaded.ok ? [] : loaded.problems.map(formatProblem)).to.deep.equal(
      ['cookies', 'kek', 'peppers', 'signing', 'encryption'].map(required).sort((a, b) => said(a) - said(b)),
    );
    function said(line: string): number {
      return ['signing', 'encryption', 'cookies', 'kek', 'peppers'].findIndex((key) =>
        line.startsWith(`keys.yaml: ${key}:`),
      );
    }
  });

  const passphrases: [string, string, string][] = [
    ['short', 'q8Zr2Lw0', 'is too short: a secret has at least 32 random characters (openssl rand -hex 32)'],
    [
      'a well-known word',
      'please-changeme-before-production',
      'holds a well-known word: make a random secret (openssl rand -hex 32)',
    ],
    ['all the same', 'x'.repeat(64), 'repeats itself: make a random secret (openssl rand -hex 32)'],
  ];
  for (const [what, value, rule] of passphrases) {
    it(`refuses a client's secret that is weak: ${what}`, async () => {
      expect(await problemsOf(client(`client_secret: ${value}`))).to.deep.equal([
        `clients/payroll.yaml:2:1: client_secret: ${rule}`,
      ]);
    });

    it(`refuses a cookie's secret that is weak: ${what}`, async () => {
      expect(await problemsOf(await keys('cookies', ['cookies:', `  - secret: ${value}`]))).to.deep.equal([
        `keys.yaml:2:5: cookies[0].secret: ${rule}`,
      ]);
    });
  }

  const wholeKeys: [string, string, string][] = [
    [
      'of another length',
      Buffer.alloc(16, 7).toString('base64url'),
      'must be 32 random bytes in base64url (43 characters)',
    ],
    [
      'of equal bytes',
      Buffer.alloc(32, 7).toString('base64url'),
      'is not random: make a new key (countersign keys generate)',
    ],
    [
      'made of words',
      Buffer.from('changeme-changeme-changeme-32-by').toString('base64url'),
      'holds a well-known word: make a random key (countersign keys generate)',
    ],
  ];
  for (const [what, value, rule] of wholeKeys) {
    it(`refuses a kek and a pepper ${what}`, async () => {
      for (const name of ['kek', 'peppers']) {
        expect(await problemsOf(await keys(name, [`${name}:`, '  - id: new', `    secret: ${value}`]))).to.deep.equal([
          `keys.yaml:3:5: ${name}[0].secret: ${rule}`,
        ]);
      }
    });
  }

  it('refuses two keys of one id, and a key without its secret', async () => {
    const entries = ['kek:', '  - id: one', `    secret: ${newSecret()}`, '  - id: one'];
    expect(await problemsOf(await keys('kek', entries))).to.deep.equal([
      'keys.yaml:4:5: kek[1].id: is there twice: each key has its own id (it is "one")',
      'keys.yaml:4:5: kek[1]: needs secret or secret_file',
    ]);
  });

  it('refuses one secret for two purposes', async () => {
    const folder = await productionSecrets();
    expect(
      await problemsOf(await keys('peppers', ['peppers:', '  - id: p', `    secret_file: ${folder}/kek`])),
    ).to.deep.equal(
      ['keys.yaml:10:5: kek[0].secret_file: is the same secret as in keys.yaml: each has its own'].map((line) =>
        line.replace('10:5: kek[0]', '3:5: peppers[0]'),
      ),
    );
    expect(await problemsOf(client(`client_secret_file: ${folder}/cookies`))).to.deep.equal([
      'clients/payroll.yaml:2:1: client_secret_file: is the same secret as in keys.yaml: each has its own',
    ]);
  });

  const rsa = async (bits: number) => {
    const { exportJWK, generateKeyPair } = await import('jose');
    const { privateKey } = await generateKeyPair('RS256', { extractable: true, modulusLength: bits });
    return { kid: 'r', use: 'sig', ...(await exportJWK(privateKey)) };
  };
  const elliptic = async (kid: string) => {
    const { exportJWK, generateKeyPair } = await import('jose');
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    return { kid, ...(await exportJWK(privateKey)) };
  };

  it('refuses key sets that are broken, public, weak, doubled or incomplete', async () => {
    const [es, rs2048] = [await elliptic('e'), await rsa(2048)];
    const { d: _private, ...open } = es;
    const sets: [string, 'signing' | 'encryption', unknown][] = [
      ['must be a JSON Web Key Set ({"keys": […]}); countersign keys generate makes one', 'signing', '-----BEGIN'],
      ['must be a JSON Web Key Set with at least one key', 'signing', { keys: [] }],
      ['each key needs a kid', 'signing', { keys: [{ ...es, kid: undefined }] }],
      ['each key must be private (it has no "d")', 'signing', { keys: [open] }],
      ['RSA keys have at least 3072 bits', 'signing', { keys: [es, rs2048] }],
      ['two keys have the same kid', 'signing', { keys: [es, es] }],
      ['needs an RSA key: RS256 is mandatory (OpenID Connect Discovery section 3)', 'signing', { keys: [es] }],
      ['"use" of each key must be sig', 'signing', { keys: [{ ...es, use: 'enc' }] }],
      ['one of its keys cannot be used: is it whole?', 'signing', { keys: [{ ...es, x: 'AAAA' }] }],
      ['each key must be EC P-256', 'encryption', { keys: [rs2048] }],
      ['each key must be RSA, EC or OKP', 'signing', { keys: [{ kty: 'oct', kid: 'o', d: 'x' }] }],
    ];
    for (const [rule, name, content] of sets) {
      const text = typeof content === 'string' ? content : JSON.stringify(content);
      const file = await secretsFile('set', text);
      expect(await problemsOf(await keys(name, [`${name}_file: ${file}`]))).to.deep.equal([
        `keys.yaml:1:1: ${name}_file: ${rule}`,
      ]);
    }
  });
});

describe('settings: no secret is ever printed', () => {
  const PLANTED = 'Zr9pLANTED7hiddenQ2';

  function run(files: Record<string, string>, environment: Environment, ...words: string[]): Promise<string> {
    const lines: string[] = [];
    const program = new Command();
    addConfigCommands(program, {
      environment,
      print: (line) => lines.push(line),
      complain: (line) => lines.push(line),
      exitCode: (code) => lines.push(`exit ${code}`),
    });
    return program
      .parseAsync(['config', ...words, '--config', folderOf(files)], { from: 'user' })
      .then(() => lines.join('\n'));
  }

  it('in the settings, whichever way they are turned into text', async () => {
    const files = client(`client_secret: ${newSecret()}`);
    const { settings } = await settingsOf(
      { ...files, 'storage.yaml': `database: { url: "postgres://app:${PLANTED}@db.example.org/app" }\n` },
      { REDIS_URL: `rediss://:${PLANTED}@redis.example.org` },
    );
    const texts = [inspect(settings, { depth: 9 }), JSON.stringify(settings), `${settings.keys.cookies[0]?.secret}`];
    for (const text of texts) expect(text).to.include('[secret]').and.not.include(PLANTED);
  });

  it('by config show', async () => {
    const secret = newSecret();
    const said = await run(
      { ...(await production()), ...client(`client_secret: ${secret}`) },
      { DATABASE_URL: `postgres://app:${PLANTED}@db.example.org/app` },
      'show',
    );
    expect(said).to.include('"client_secret": "[secret]"').and.not.include(secret).and.not.include(PLANTED);
    const written = {
      ...(await production()),
      ...client(`client_secret: ${secret}\njwks: { keys: [{ kty: RSA, n: AQAB, e: AQAB, kid: k }] }`),
      'mail.yaml': `from: x@example.org\ntransport: { kind: smtp, url: "smtps://a:${PLANTED}@mail.example.org:465" }\n`,
    };
    const environment = { REDIS_URL: `rediss://:${PLANTED}@redis.example.org` };
    const origins = await run(written, environment, 'show', '--origins');
    expect(origins).to.include('client_secret: [secret]').and.not.include(secret).and.not.include(PLANTED);
  });

  const places: [string, Record<string, string>, Environment?][] = [
    ['a misspelt key', client(`client_secrit: ${PLANTED}`)],
    ['a list where text belongs', client(`client_secret: [${PLANTED}]`)],
    ['a map where text belongs', client(`client_secret: { ${'x'}: ${PLANTED} }`)],
    ['a short secret', client(`client_secret: ${PLANTED}`)],
    ['a secret with a tag', client(`client_secret: !x ${PLANTED}`)],
    ['a secret that looks like an alias', client(`client_secret: *${PLANTED}`)],
    ['an open quote', client(`client_secret: "${PLANTED}`)],
    ['a secret written twice', client(`client_secret: ${PLANTED}\nclient_secret: ${PLANTED}`)],
    ['a secret where a file belongs', client(`client_secret_file: ${PLANTED}`)],
    ['a whole file that is a secret', { 'keys.yaml': `${PLANTED}\n` }],
    ['keys that are text', { 'keys.yaml': `cookies: ${PLANTED}\nkek: [${PLANTED}]\nsigning: ${PLANTED}\n` }],
    ['an id that is none', { 'keys.yaml': `kek:\n  - ${PLANTED}\n` }],
    ['an address of the wrong kind', { 'storage.yaml': `database: { url: "mysql://a:${PLANTED}@b/c" }\n` }],
    ['an address where a map belongs', { 'storage.yaml': `database: postgres://a:${PLANTED}@b/c\n` }],
    ['a mail server where a map belongs', { 'mail.yaml': `transport: smtp://a:${PLANTED}@b\n` }],
    ['a mail server of the wrong kind', { 'mail.yaml': `from: x\ntransport: { kind: smtp, url: "${PLANTED}" }\n` }],
    ['a private key of a client', client(`jwks: { keys: [{ kty: oct, k: ${PLANTED} }] }`)],
    ['a redirect address with a password', client(`redirect_uris: ["https://a:${PLANTED}@b.example.org/"]`)],
    ['a variable of the environment', {}, { DATABASE_URL: PLANTED, REDIS_URL: PLANTED }],
  ];
  for (const [what, files, environment] of places) {
    it(`in a message about ${what}`, async () => {
      const said = await run({ ...(await production()), ...files }, environment ?? {}, 'check');
      expect(said).to.include('exit 1').and.not.include(PLANTED);
    });
  }
});
