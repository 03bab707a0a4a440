// Two nodes whose configurations differ notice it, say so, and see when it is over.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { stringify } from 'yaml';
import { SERVICE } from '../support/house.ts';
import { type Node, type RunningWorld, startWorld } from '../support/world.ts';

describe('nodes on different configurations', function () {
  this.timeout(120_000);
  let world: RunningWorld;

  before(async () => {
    world = await startWorld({ backend: 'servers', nodes: 2, watched: true });
  });
  after(() => world?.close());

  async function look(node: Node): Promise<{ status: number; ok: boolean; gauge: number }> {
    const answer = await fetch(`${node.watch}/health/ready`);
    const { checks } = (await answer.json()) as { checks: { configurations: { ok: boolean } } };
    const text = await (await fetch(`${node.watch}/metrics`)).text();
    const gauge = Number(/^countersign_configurations (\d+)$/m.exec(text)?.[1]);
    return { status: answer.status, ok: checks.configurations.ok, gauge };
  }
  async function until(gauge: number): Promise<void> {
    const deadline = performance.now() + 30_000;
    for (const node of world.nodes)
      while ((await look(node)).gauge !== gauge) {
        if (performance.now() > deadline) throw new Error(`not ${gauge} in time`);
        await wait(200);
      }
  }
  function rename(node: Node | undefined, client_name: string): void {
    writeFileSync(join(node?.folder ?? '', 'clients', 'payroll.yaml'), stringify({ ...SERVICE, client_name }));
    node?.hangUp();
  }

  it('are told by both while it is so, in readiness, metrics and log, and stay ready', async () => {
    const [first, second] = world.nodes;
    await until(1);
    rename(second, 'Wages');
    await until(2);
    for (const node of world.nodes) {
      expect(await look(node)).to.deep.equal({ status: 200, ok: false, gauge: 2 });
      expect(node.output()).to.contain('nodes run on different configurations');
    }
    rename(first, 'Wages');
    await until(1);
    for (const node of world.nodes) expect((await look(node)).ok).to.equal(true);
  });
});
