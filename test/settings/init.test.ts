// `countersign init`: what it writes is a production configuration in which nothing is wrong, and it writes over nothing.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Command } from 'commander';
import { addInitCommand } from '../../src/cli/init.ts';
import { newSecret } from '../../src/settings/demo-secrets.ts';
import { loadSettings } from '../../src/settings/load.ts';
import { formatProblem } from '../../src/settings/problems.ts';
import { FILES } from '../../src/settings/sections/index.ts';

describe('countersign init', function () {
  // Makes RSA keys.
  this.timeout(120_000);
  const root = mkdtempSync(join(tmpdir(), 'countersign-init-'));
  after(() => rmSync(root, { recursive: true, force: true }));

  async function init(folder: string, ...more: string[]) {
    const said = { out: [] as string[], complaints: [] as string[], code: 0 };
    const program = new Command();
    addInitCommand(program, {
      environment: {},
      print: (line) => said.out.push(line),
      complain: (line) => said.complaints.push(line),
      exitCode: (code) => {
        said.code = code;
      },
    });
    await program.parseAsync(['init', folder, ...more], { from: 'user' });
    return said;
  }

  function check(folder: string) {
    const loaded = loadSettings(folder, {});
    expect(loaded.ok ? [] : loaded.problems.map(formatProblem)).to.deep.equal([]);
    if (!loaded.ok) throw new Error('not reached');
    return loaded.settings;
  }

  it('writes a production configuration that passes as it stands', async () => {
    const folder = join(root, 'new/config');
    const { out, code } = await init(
      folder,
      '--issuer',
      'https://id.example.com',
      '--app-origin',
      'https://p.example.com',
    );
    expect(code).to.equal(0);
    for (const file of out) expect(existsSync(file), file).to.equal(true);
    const { server, devices, clients, mail } = check(folder);
    expect(server).to.include({ issuer: 'https://id.example.com', demo: false, dataFolder: join(folder, 'data') });
    expect(statSync(server.dataFolder).mode & 0o777).to.equal(0o700);
    expect(devices.appOrigin).to.equal('https://p.example.com');
    expect(mail.transport).to.deep.equal({ kind: 'outbox', folder: join(folder, 'data/outbox'), console: false });
    expect(clients).to.deep.equal([]);
  });

  it('names the schema of each file, and puts it there', async () => {
    const folder = join(root, 'schemas');
    await init(folder);
    const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
    expect(files).to.include.members(['server.yaml', 'keys.yaml', 'levels.yaml', 'notices.yaml']);
    for (const file of files) {
      const name = file.replace('.yaml', '');
      expect(Object.keys(FILES)).to.include(name);
      expect(readFileSync(join(folder, file), 'utf8'), file).to.match(
        new RegExp(`^# yaml-language-server: \\$schema=schema/${name}.json\n`),
      );
      expect(existsSync(join(folder, `schema/${name}.json`)), file).to.equal(true);
    }
  });

  it('keeps the secrets for their owner', async () => {
    const folder = join(root, 'secret');
    await init(folder);
    const secrets = readdirSync(join(folder, 'secrets'));
    expect(secrets).to.have.length(6);
    expect(statSync(join(folder, 'secrets')).mode & 0o777).to.equal(0o700);
    for (const name of secrets) expect(statSync(join(folder, 'secrets', name)).mode & 0o777, name).to.equal(0o600);
  });

  it('has an example of a service that passes too, once it is in place', async () => {
    const folder = join(root, 'service');
    await init(folder);
    cpSync(join(folder, 'clients/payroll.yaml.example'), join(folder, 'clients/payroll.yaml'));
    writeFileSync(join(folder, 'secrets/payroll'), newSecret(), { mode: 0o600 });
    expect(check(folder).clients.map(({ metadata }) => metadata.client_id)).to.deep.equal(['payroll']);
  });

  it('refuses a folder that is not empty, a file, and addresses that are none', async () => {
    const full = join(root, 'full');
    mkdirSync(full);
    writeFileSync(join(full, 'notes'), 'mine');
    const fresh = join(root, 'fresh');
    for (const words of [
      [full],
      [join(full, 'notes')],
      [fresh, '--issuer', 'http://id.example.org'],
      [fresh, '--issuer', 'https://id.example.org/path'],
      [fresh, '--app-origin', 'phone'],
    ] as [string, ...string[]][]) {
      const { code, complaints } = await init(...words);
      expect(code, words.join(' ')).to.equal(1);
      expect(complaints, words.join(' ')).to.have.length(1);
    }
    expect(readdirSync(full)).to.deep.equal(['notes']);
    expect(existsSync(fresh)).to.equal(false);
  });
});
