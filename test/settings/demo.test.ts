// The demo's secrets, the example configuration, and what is made from the schemas.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Command } from 'commander';
import { addConfigCommands, type ConfigCommandDeps } from '../../src/cli/config.ts';
import { addKeyCommands } from '../../src/cli/keys.ts';
import { ensureDemoSecrets } from '../../src/settings/demo-secrets.ts';
import { loadSettings } from '../../src/settings/load.ts';
import { formatProblem } from '../../src/settings/problems.ts';
import { reference } from '../../src/settings/reference.ts';
import { jsonSchemas, schemaText } from '../../src/settings/schema.ts';
import { folderOf, production, productionSecrets } from './folders.ts';

const temporary: string[] = [];

/** A copy of the example configuration, so that its secrets are made in a folder of the test's own. */
function example(): string {
  const root = mkdtempSync(join(tmpdir(), 'countersign-example-'));
  temporary.push(root);
  cpSync('config', join(root, 'config'), { recursive: true });
  return join(root, 'config');
}

interface Said {
  out: string[];
  complaints: string[];
  code: number;
}

async function run(words: string[]): Promise<Said> {
  const said: Said = { out: [], complaints: [], code: 0 };
  const deps: ConfigCommandDeps = {
    environment: {},
    print: (line) => said.out.push(line),
    complain: (line) => said.complaints.push(line),
    exitCode: (code) => {
      said.code = code;
    },
  };
  const program = new Command();
  addConfigCommands(program, deps);
  addKeyCommands(program, deps);
  await program.parseAsync(words, { from: 'user' });
  return said;
}

after(() => {
  for (const folder of temporary) rmSync(folder, { recursive: true, force: true });
});

describe('settings: the secrets of the demo', () => {
  it('are made once, 0600, in a folder of 0700, and stay', async () => {
    const folder = example();
    const made = await ensureDemoSecrets(folder);
    const secrets = join(folder, '../data/secrets');
    expect(readdirSync(secrets).sort()).to.deep.equal([
      'cookies',
      'demo-api-client-secret',
      'demo-client-secret',
      'demo-desk-client-secret',
      'encryption.jwks.json',
      'kek',
      'pepper',
      'push',
      'signing.jwks.json',
    ]);
    expect(made).to.have.length(9);
    expect(statSync(secrets).mode & 0o777).to.equal(0o700);
    const contents = () => made.map((file) => readFileSync(file, 'utf8'));
    for (const file of made) expect(statSync(file).mode & 0o777).to.equal(0o600);
    const first = contents();
    expect(await ensureDemoSecrets(folder)).to.deep.equal([]);
    expect(contents()).to.deep.equal(first);
    expect(new Set(first).size).to.equal(9);
  });

  it('are made once by two processes at the same time', async () => {
    const folder = example();
    const [one, two] = await Promise.all([ensureDemoSecrets(folder), ensureDemoSecrets(folder)]);
    expect([...one, ...two].sort()).to.deep.equal([...new Set([...one, ...two])].sort());
    expect(readdirSync(join(folder, '../data/secrets'))).to.have.length(9);
  });

  it('are never made for production, nor for a demo on a real address', async () => {
    const real = { 'server.yaml': 'issuer: https://id.example.org\ndemo: true\n' };
    for (const files of [await production(), real, {}, { 'server.yaml': '[' }]) {
      expect(await ensureDemoSecrets(folderOf(files))).to.deep.equal([]);
    }
  });

  it('are only made below data/secrets', async () => {
    const folder = folderOf({
      'server.yaml': 'issuer: http://localhost:3000\ndemo: true\n',
      'clients/a.yaml': 'client_id: a\nclient_secret_file: ../data/secrets/../../outside\n',
    });
    const made = await ensureDemoSecrets(folder);
    expect(made.filter((file) => file.includes('outside'))).to.deep.equal([]);
  });

  it('let weaker figures and secrets pass, which production refuses', async () => {
    const weak = {
      'devices.yaml': 'kdf_iterations: 1000\n',
      'methods.yaml': 'password: { memory_kib: 1024 }\n',
      'clients/a.yaml': 'client_id: a\nclient_secret: changeme\nredirect_uris: [http://localhost:1/cb]\n',
    };
    const folder = folderOf({ 'server.yaml': 'issuer: http://localhost:3000\ndemo: true\n', ...weak });
    await ensureDemoSecrets(folder);
    const loaded = loadSettings(folder, {});
    expect(loaded.ok).to.equal(true);
    expect(loaded.notes.join('\n')).to.include('client_secret: is too short');
    const refused = loadSettings(folderOf({ ...(await production()), ...weak }), {});
    expect(refused.ok ? [] : refused.problems.map((problem) => problem.key)).to.deep.equal([
      'client_secret',
      'kdf_iterations',
      'password.memory_kib',
    ]);
  });
});

describe('settings: the demo on another port', () => {
  it('moves every address of the demo service with DEMO_PORT, and says so', async () => {
    const folder = example();
    await ensureDemoSecrets(folder);
    const loaded = loadSettings(folder, { DEMO_PORT: '4001' });
    if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join('\n'));
    const { clients, resources, outbound } = loaded.settings;
    const demo = clients.find((client) => client.metadata.client_id === 'demo');
    expect(demo?.homepage).to.equal('http://localhost:4001/');
    expect(demo?.metadata).to.deep.include({
      redirect_uris: ['http://localhost:4001/callback'],
      post_logout_redirect_uris: ['http://localhost:4001/'],
      backchannel_logout_uri: 'http://localhost:4001/backchannel-logout',
    });
    expect(resources.map((resource) => resource.identifier)).to.deep.equal(['http://localhost:4001/api']);
    expect(outbound.allow).to.deep.equal(['localhost:4001']);
    expect(loaded.notes.join()).to.include('DEMO_PORT moves the demo service');
  });

  it('refuses a DEMO_PORT that is none, and minds none outside the demo', async () => {
    const folder = example();
    await ensureDemoSecrets(folder);
    const refused = loadSettings(folder, { DEMO_PORT: '70000' });
    expect(refused.ok ? [] : refused.problems.map(formatProblem)).to.have.length(1);
    const client =
      'client_id: demo\nredirect_uris: [https://a.example/cb]\nhomepage: https://a.example/\ntoken_endpoint_auth_method: none\n';
    const real = loadSettings(folderOf({ ...(await production()), 'clients/demo.yaml': client }), {
      DEMO_PORT: '4001',
    });
    expect(real.ok && real.settings.clients.find((one) => one.metadata.client_id === 'demo')?.homepage).to.equal(
      'https://a.example/',
    );
  });
});

describe('settings: the example configuration', () => {
  it('passes, and holds no secret', async () => {
    const folder = example();
    const { out, complaints, code } = await run(['config', 'check', '--config', folder]);
    expect(code, complaints.join('\n')).to.equal(0);
    expect(out.slice(0, 6)).to.deep.equal([
      'OK',
      'issuer     http://localhost:3000 (demo), listening on 127.0.0.1:3000',
      'storage    embedded database, embedded state',
      'levels     basic < mfa',
      'clients    demo-api, demo-desk, demo-tv, demo',
      'resources  http://localhost:3001/api',
    ]);
    const texts = yamlFiles(folder).map((file) => readFileSync(file, 'utf8'));
    for (const text of texts) expect(text).not.to.match(/^[^#\n]*\b(client_secret|secret|url): /m);
  });

  it('names its schema in the first line of every file', () => {
    for (const file of yamlFiles('config')) {
      const first = readFileSync(file, 'utf8').split('\n')[0];
      const schema = /^# yaml-language-server: \$schema=(.+)$/.exec(first ?? '')?.[1];
      expect(schema, file).to.be.a('string');
      expect(statSync(join(file, '..', schema ?? '')).isFile(), file).to.equal(true);
    }
  });

  function yamlFiles(folder: string): string[] {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.yaml'))
      .map((file) => join(folder, file));
  }
});

describe('settings: what is made from the schemas', () => {
  it('config/schema is in step: run "countersign config schema"', () => {
    const written = readdirSync('config/schema').sort();
    expect(written).to.deep.equal(
      jsonSchemas()
        .map(({ name }) => `${name}.json`)
        .sort(),
    );
    for (const { name, schema } of jsonSchemas()) {
      expect(readFileSync(`config/schema/${name}.json`, 'utf8'), name).to.equal(schemaText(schema));
    }
  });

  it('docs/reference/configuration.md is in step: run "countersign config reference --out docs/reference/configuration.md"', () => {
    expect(readFileSync('docs/reference/configuration.md', 'utf8')).to.equal(reference());
  });

  it('every key has its sentence', () => {
    const keys = reference()
      .split('\n')
      .filter((line) => line.startsWith('| `'));
    expect(keys.length).to.be.greaterThan(100);
    for (const line of keys) expect(line, line).to.match(/\| [^|]*\.[^|]* \|$|… \|$/);
  });

  it('schemas are written where they are wanted', async () => {
    const folder = folderOf({});
    const { out } = await run(['config', 'schema', '--config', folder]);
    expect(out).to.have.length(14);
    expect(JSON.parse(readFileSync(join(folder, 'schema/server.json'), 'utf8'))).to.include({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'Countersign: server.yaml',
      additionalProperties: false,
    });
  });
});

describe('countersign config and keys', () => {
  before(productionSecrets);

  it('check prints every problem and ends with 1', async () => {
    const folder = folderOf({ ...(await production()), 'lifetimes.yaml': 'code: 1\nidle: 2\n' });
    expect(await run(['config', 'check', '--config', folder])).to.deep.equal({
      out: [],
      complaints: [
        'lifetimes.yaml:1:1: code: must be a duration such as "30s", "5m", "12h" or "90d" (it is 1)',
        'lifetimes.yaml:2:1: idle: is not a key that we know; keys here are session, second_factor_idle, account_change, interaction, code, access_token, id_token, refresh_token, refresh_grace, audit, backchannel_request, poll_interval, enrolment',
        '2 mistakes',
      ],
      code: 1,
    });
  });

  it('keys generate makes what production needs, and never writes over it', async () => {
    const folder = folderOf(await production());
    const secrets = join(folder, '../secrets');
    const words = ['keys', 'generate', '--folder', secrets, '--config', folder];
    const { out, code } = await run(words);
    expect(code).to.equal(0);
    for (const file of readdirSync(secrets)) expect(statSync(join(secrets, file)).mode & 0o777, file).to.equal(0o600);
    const files = { ...(await production()), 'keys.yaml': out.join('\n') };
    const loaded = loadSettings(folderOf(files), {});
    expect(loaded.ok ? [] : loaded.problems.map(formatProblem)).to.deep.equal([]);
    const before = readFileSync(join(secrets, 'kek'), 'utf8');
    const again = await run(words);
    expect(again.code).to.equal(1);
    expect(again.out).to.deep.equal([]);
    expect(again.complaints[0]).to.match(/already holds .*: nothing was written/);
    expect(readFileSync(join(secrets, 'kek'), 'utf8')).to.equal(before);
  });
});
