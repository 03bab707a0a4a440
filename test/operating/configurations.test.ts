// Nodes that take changed files over by themselves; where their configurations differ they notice it, say so, and see when it is over.
import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { stringify } from 'yaml';
import { SERVICE } from '../support/house.ts';
import { type Node, type RunningWorld, startWorld } from '../support/world.ts';

/** The files of the service in a folder: as an editor leaves them, whole under another name and then moved. */
function save(folder: string, content: object | string): void {
  const file = join(folder, 'payroll.yaml');
  writeFileSync(`${file}.draft`, typeof content === 'string' ? content : stringify(content));
  renameSync(`${file}.draft`, file);
}
const named = (client_name: string) => ({ ...SERVICE, client_name });

interface Line {
  msg: string;
  changes?: { key: string; before?: unknown; after?: unknown }[];
  reason?: string;
}

describe('nodes that reload on change', function () {
  this.timeout(180_000);
  let world: RunningWorld;
  let first: Node;
  let second: Node;

  before(async () => {
    world = await startWorld({ backend: 'servers', nodes: 2, watched: true, server: { reload_on_change: true } });
    [first, second] = world.nodes as [Node, Node];
  });
  after(() => world?.close());

  const clients = (node: Node) => join(node.folder, 'clients');
  const lines = (node: Node, msg: string): Line[] =>
    node
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Line)
      .filter((line) => line.msg === msg);
  const reloads = (node: Node) => lines(node, 'configuration reloaded');
  async function look(node: Node) {
    const answer = await fetch(`${node.watch}/health/ready`);
    const { checks } = (await answer.json()) as {
      checks: { configurations: { ok: boolean }; configuration: { ok: boolean; why?: string } };
    };
    const text = await (await fetch(`${node.watch}/metrics`)).text();
    const gauge = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]);
    return { status: answer.status, checks, gauge };
  }
  async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + 30_000;
    while (!(await holds())) {
      if (performance.now() > deadline) throw new Error(`not in time: ${what}`);
      await wait(100);
    }
  }
  const alike = (count: number) =>
    until(`${count} configurations`, async () => {
      const both = await Promise.all([first, second].map(look));
      return both.every(({ gauge }) => gauge('countersign_configurations') === count);
    });

  it('tell it while they run on different ones, in readiness, metrics and log, and stay ready', async () => {
    await alike(1);
    save(clients(second), named('Wages'));
    await alike(2);
    for (const node of [first, second]) {
      const { status, checks } = await look(node);
      expect({ status, ok: checks.configurations.ok }).to.deep.equal({ status: 200, ok: false });
      expect(node.output()).to.contain('nodes run on different configurations');
    }
    save(clients(first), named('Wages'));
    await alike(1);
    for (const node of [first, second]) expect((await look(node)).checks.configurations.ok).to.equal(true);
  });

  it('say in the log what changed, key by key, and nothing of a secret', async () => {
    const [reloaded] = reloads(first);
    expect(reloaded?.changes).to.deep.equal([
      { key: 'clients.payroll.metadata.client_name', before: 'Payroll', after: 'Wages' },
    ]);
    const secrets = ['Zq8vJ2nXr5Tb1Wm7Ly4Hc9Pd3Kf6Sg0Q', 'Mp4kV7wQe2Rt9Yu1Io6Aj3Sd8Fg5Hx0L'];
    for (const client_secret of secrets) {
      const before = reloads(first).length;
      save(clients(first), { ...named('Wages'), token_endpoint_auth_method: 'client_secret_basic', client_secret });
      await until('the secret', () => reloads(first).length > before);
    }
    expect(reloads(first).at(-1)?.changes).to.deep.equal([
      { key: 'clients.payroll.metadata.client_secret', before: '[secret]', after: '[another secret]' },
    ]);
    for (const secret of secrets) expect(first.output()).to.not.contain(secret);
  });

  it('refuse a broken file, say so until it is mended, and stay on the one before', async () => {
    const before = reloads(first).length;
    save(clients(first), 'client_id: payroll\nredirect_uri: "http://localhost:9/"\n');
    await until('refused', async () => !(await look(first)).checks.configuration.ok);
    const { status, checks, gauge } = await look(first);
    expect(status).to.equal(200);
    expect(checks.configuration.why).to.contain('clients/payroll.yaml:2').and.contain('did you mean "redirect_uris"?');
    expect(gauge('countersign_configuration_refused')).to.equal(1);
    await until('the log', () =>
      lines(first, 'configuration refused; the old one stays in force').some(({ reason }) =>
        reason?.includes('redirect_uris'),
      ),
    );
    save(clients(first), named('Wages'));
    await until('mended', async () => (await look(first)).checks.configuration.ok);
    expect(reloads(first)).to.have.length(before + 1);
  });

  it('do nothing where a file is written and says what it said before', async () => {
    const before = reloads(first).length;
    const same = () => lines(first, 'files of the configuration were written, and say what they said before').length;
    utimesSync(join(clients(first), 'payroll.yaml'), new Date(), new Date());
    await until('seen', () => same() === 1);
    expect(reloads(first)).to.have.length(before);
  });

  it('follow a link that is turned to another folder, where the system tells of nothing', async () => {
    const versions = join(first.folder, 'data', 'versions');
    for (const name of ['one', 'two']) {
      mkdirSync(join(versions, name), { recursive: true });
      save(join(versions, name), named(name));
    }
    const turn = (name: string) => {
      symlinkSync(name, join(versions, 'next'));
      renameSync(join(versions, 'next'), join(versions, 'current'));
    };
    turn('one');
    rmSync(clients(first), { recursive: true });
    symlinkSync(join(versions, 'current'), clients(first));
    for (const name of ['one', 'two']) {
      turn(name);
      await until(
        name,
        () =>
          reloads(first)
            .at(-1)
            ?.changes?.some(({ after }) => after === name) === true,
      );
    }
  });
});
