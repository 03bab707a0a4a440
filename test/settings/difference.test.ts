// `countersign config diff`, and the hash by which nodes compare what they run on.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { Command } from 'commander';
import { configurationHash } from '../../src/app/configurations.ts';
import { addConfigCommands } from '../../src/cli/config.ts';
import { readSettingsAgain } from '../../src/cli/read-settings.ts';
import { readAhead } from '../../src/settings/ahead.ts';
import { ensureDemoSecrets } from '../../src/settings/demo-secrets.ts';
import { loadSettings, loadSettingsGently } from '../../src/settings/load.ts';
import { Memory } from '../../src/settings/memory.ts';
import { base, type Files, SERVICE, writeFiles } from '../support/house.ts';

const ISSUER = 'http://localhost:4711';

describe('two configurations', function () {
  this.timeout(120_000);
  const root = mkdtempSync(join(tmpdir(), 'countersign-diff-'));
  after(() => rmSync(root, { recursive: true, force: true }));

  function folder(name: string, files: Files = {}): string {
    const path = join(root, name);
    // One data folder, so that the demo's secrets are made once.
    const server = { issuer: ISSUER, demo: true, data_folder: join(root, 'data'), ...files['server.yaml'] };
    const mail = { from: 'Test <test@localhost>', transport: { kind: 'outbox', folder: join(root, 'data', 'outbox') } };
    writeFiles(path, { ...base(ISSUER), ...files, 'server.yaml': server, 'mail.yaml': mail });
    return path;
  }
  async function settingsOf(path: string) {
    await ensureDemoSecrets(path);
    const loaded = loadSettings(path, {});
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    return loaded.settings;
  }
  async function diff(one: string, other: string) {
    const said = { lines: [] as string[], wrong: [] as string[], code: 0 };
    const program = new Command();
    addConfigCommands(program, {
      environment: {},
      print: (line) => void said.lines.push(line),
      complain: (line) => void said.wrong.push(line),
      exitCode: (code) => {
        said.code = code;
      },
    });
    await program.parseAsync(['config', 'diff', other, '--config', one], { from: 'user' });
    return said;
  }

  it('are the same where only their folders differ', async () => {
    const [one, other] = [folder('a'), folder('b')];
    expect(await diff(one, other)).to.deep.include({ lines: [], code: 0 });
    expect(configurationHash(await settingsOf(one))).to.equal(configurationHash(await settingsOf(other)));
  });

  it('differ by key, a client by its id, with defaults and without secrets', async () => {
    const other = folder('c', {
      'lifetimes.yaml': { code: '30s' },
      'clients/desk.yaml': {
        ...SERVICE,
        client_id: 'desk',
        token_endpoint_auth_method: 'client_secret_post',
        client_secret: 'Zq8vJ2nXr5Tb1Wm7Ly4Hc9Pd3Kf6Sg0Q',
      },
      'clients/payroll.yaml': { ...SERVICE, client_name: 'Wages' },
    });
    const said = await diff(folder('a'), other);
    expect(said.code).to.equal(1);
    expect(said.lines).to.include('lifetimes.code: 60 -> 30');
    expect(said.lines).to.include('clients.payroll.metadata.client_name: "Payroll" -> "Wages"');
    expect(said.lines.filter((line) => line.startsWith('clients.desk: (nothing) -> '))).to.have.length(1);
    expect(said.lines).to.have.length(3);
    expect(said.lines.join()).to.not.contain('Zq8v');
    expect((await diff(other, folder('a'))).lines).to.include('lifetimes.code: 30 -> 60');
  });

  it('have other hashes where nodes would act otherwise, not where one listens elsewhere', async () => {
    const hash = configurationHash(await settingsOf(folder('a')));
    const elsewhere = folder('d', { 'server.yaml': { port: 4712, log_level: 'error', watch: { port: 4713 } } });
    expect(configurationHash(await settingsOf(elsewhere))).to.equal(hash);
    const settings = await settingsOf(folder('e', { 'lifetimes.yaml': { code: '30s' } }));
    expect(configurationHash(settings)).to.not.equal(hash);
  });

  it('tell the mistakes of the one that cannot be read', async () => {
    const said = await diff(folder('a'), folder('g', { 'lifetimes.yaml': { cod: '30s' } }));
    expect(said.code).to.equal(1);
    expect(said.wrong.join('\n')).to.contain('lifetimes.yaml').and.contain('did you mean');
  });

  it('are read again as if for the first time, mistakes and their lines among them', async () => {
    const path = folder('again');
    await settingsOf(path);
    const memory = new Memory();
    const steps: Files[] = [
      {},
      {},
      { 'clients/payroll.yaml': { ...SERVICE, client_name: 'Wages' } },
      { 'clients/payroll.yaml': { ...SERVICE, client_name: 'Wager' } },
      { 'clients/payroll.yaml': { ...SERVICE, redirect_uris: ['http://localhost:9/#no'], client_name: 7 } },
      { 'clients/desk.yaml': SERVICE },
      { 'clients/desk.yaml': { ...SERVICE, client_id: 'desk', minimum_level: 'none' } },
      { 'clients/payroll.yaml': { ...SERVICE, backchannel_logout_uri: 'http://localhost:9/out' } },
      { 'clients/desk.yaml': { ...SERVICE, client_id: 'desk' } },
      {},
    ];
    for (const files of steps) {
      writeFiles(path, files);
      const [again, first] = [await loadSettingsGently(path, {}, memory), loadSettings(path, {})];
      expect(JSON.stringify(again), JSON.stringify(files)).to.equal(JSON.stringify(first));
      expect(again.notes).to.deep.equal(first.notes);
    }
    const last = loadSettings(path, {});
    expect(last.ok && last.notes.some((note) => note.includes('will be refused'))).to.equal(true);
  });

  it('are read ahead by threads where very many are new, and say what they say without', async () => {
    const path = folder('many');
    const program = pathToFileURL(join('dist', 'src', 'settings', 'ahead-worker.js'));
    await settingsOf(path);
    const client = (index: number) => `clients/service-${index}.yaml`;
    const many = (say: (index: number) => object) =>
      Object.fromEntries(Array.from({ length: 520 }, (_, index) => [client(index), { ...SERVICE, ...say(index) }]));
    writeFiles(
      path,
      many((index) => ({ client_id: `service-${index}`, client_name: `Service ${index}` })),
    );
    const memory = new Memory();
    const again = async () => {
      await readAhead(path, memory, program);
      const loaded = await loadSettingsGently(path, {}, memory);
      memory.readingOver();
      return loaded;
    };
    await readAhead(path, memory, program);
    const text = memory.read(client(510), join(path, client(510)));
    expect(memory.recall(client(510), text)).to.include({ client_name: 'Service 510' });
    memory.readingOver();
    expect(JSON.stringify(await again())).to.equal(JSON.stringify(loadSettings(path, {})));

    writeFiles(path, { [client(3)]: { ...SERVICE, client_id: 'service-3', client_name: 'Another' } });
    expect(JSON.stringify(await again())).to.equal(JSON.stringify(loadSettings(path, {})));
    writeFiles(
      path,
      many((index) => ({ client_id: `service-${index}`, ...(index % 100 === 7 ? { client_nam: 'x' } : {}) })),
    );
    const refused = await again();
    expect(JSON.stringify(refused)).to.equal(JSON.stringify(loadSettings(path, {})));
    expect(!refused.ok && refused.problems.map(({ file }) => file))
      .to.include(client(507))
      .and.have.length(6);
    rmSync(join(path, client(507)));
    expect(JSON.stringify(await again())).to.equal(JSON.stringify(loadSettings(path, {})));
  });

  it('are looked at anew by each reading of a server', async () => {
    const path = folder('anew');
    const memory = new Memory();
    const name = async () => (await readSettingsAgain(path, memory)).settings.clients[0]?.metadata.client_name;
    expect(await name()).to.equal('Payroll');
    writeFiles(path, { 'clients/payroll.yaml': { ...SERVICE, client_name: 'Wages' } });
    expect(await name()).to.equal('Wages');
    writeFiles(path, { 'clients/payroll.yaml': { ...SERVICE, client_nam: 'Wages' } });
    expect(await name().catch((error: Error) => error.message)).to.contain('client_nam');
    writeFiles(path, { 'clients/payroll.yaml': { ...SERVICE, client_name: 'Pay' } });
    expect(await name()).to.equal('Pay');
  });
});
