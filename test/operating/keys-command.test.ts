// Signing keys on two nodes that run: rotated, published before they sign, retired; each node has the same without a restart.
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { decodeProtectedHeader } from 'jose';
import pg from 'pg';
import { HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, logIn, redeem, sentBack } from '../support/service.ts';
import { type RunningWorld, startWorld } from '../support/world.ts';

interface Entry {
  kid: string;
  alg: string;
  use: string;
}

describe('countersign keys', function () {
  this.timeout(180_000);
  let world: RunningWorld;
  let database: pg.Client;

  before(async () => {
    world = await startWorld({
      backend: 'servers',
      nodes: 2,
      people: ['ada'],
      files: { 'keys.yaml': { rotation: { every: '90d' } } },
    });
    database = new pg.Client({ connectionString: world.environment['DATABASE_URL'] });
    await database.connect();
  });
  after(async () => {
    await database?.end();
    await world?.close();
  });

  // The secrets of keys.yaml, which have no kid, are of key-rotation.test.ts.
  const list = async () =>
    (JSON.parse((await world.cli(['keys', 'list', '--json'])).stdout) as Entry[]).filter(
      ({ kid }) => kid !== undefined,
    );
  const published = async (origin: string) => {
    const { keys } = (await (await fetch(`${origin}/jwks`)).json()) as { keys: { kid: string; d?: string }[] };
    expect(keys.some(({ d }) => d !== undefined)).to.equal(false);
    return keys.map(({ kid }) => kid);
  };
  async function everywhere(what: string, holds: (kids: string[]) => boolean): Promise<void> {
    const deadline = performance.now() + 30_000;
    for (const { origin } of world.nodes)
      while (!holds(await published(origin))) {
        if (performance.now() > deadline) throw new Error(`not on ${origin} in time: ${what}`);
        await wait(250);
      }
  }
  async function signedBy(): Promise<string | undefined> {
    const browser = new HttpBrowser();
    const request = authorization(world.issuer);
    const answer = await logIn(browser, await browser.visit(request.url, atService), 'ada');
    const { body } = await redeem(world.issuer, sentBack(answer).get('code') ?? '', request.verifier);
    return decodeProtectedHeader(String(body['id_token'])).kid;
  }

  let old = '';
  let next = '';

  it('publishes a rotated key on both nodes a day before it signs', async () => {
    old = (await signedBy()) ?? '';
    const ran = await world.cli(['keys', 'rotate']);
    expect(ran.code, ran.stderr).to.equal(0);
    expect(ran.stderr).to.contain('in 24 hours');
    const entries = await list();
    next = entries.find(({ use, alg }) => use === 'next' && alg === 'ES256')?.kid ?? '';
    await everywhere('the new key', (kids) => kids.includes(next) && kids.includes(old));
    expect(await signedBy()).to.equal(old);
    // A second rotation has nothing to do.
    expect((await world.cli(['keys', 'rotate'])).stdout).to.equal('');
    expect(await list()).to.deep.equal(entries);
  });

  it('holds the private part under the kek alone, and says so in the audit', async () => {
    const { rows } = await database.query<{ sealed: { ciphertext: string } }>('select sealed from signing_keys');
    expect(rows.length).to.be.at.least(2);
    for (const { sealed } of rows) expect(JSON.stringify(sealed)).to.not.contain('"d"');
    const events = await world.cli(['audit', 'search', '--event', 'sys_key_added']);
    expect(events.stdout.split('\n').filter((line) => line !== '')).to.have.length(rows.length);
  });

  it('signs with it when its time has come, and still publishes the old one', async () => {
    await database.query("update signing_keys set signs_from = clock_timestamp() - interval '1 second'");
    const deadline = performance.now() + 30_000;
    while ((await signedBy()) !== next) {
      if (performance.now() > deadline) throw new Error('the new key does not sign');
      await wait(500);
    }
    await everywhere('both keys', (kids) => kids.includes(next) && kids.includes(old));
  });

  it('leaves a retired key out on every node, also one of keys.yaml', async () => {
    const ran = await world.cli(['keys', 'retire', old]);
    expect(ran.code, ran.stderr).to.equal(0);
    expect(ran.stderr).to.contain('remove it from there');
    await everywhere('the old key gone', (kids) => !kids.includes(old) && kids.includes(next));
    expect((await world.cli(['keys', 'retire', old])).stderr).to.contain('retired already');
    const last = await world.cli(['keys', 'retire', next]);
    expect(last.code).to.equal(1);
    expect(last.stderr).to.contain('is the only ES256 key');
  });

  it('rotates by itself when a key is old enough, once for both nodes', async () => {
    await database.query(
      "update signing_keys set signs_from = clock_timestamp() - interval '89 days 1 hour' where kid = $1",
      [next],
    );
    const deadline = performance.now() + 30_000;
    const waiting = async () => (await list()).filter(({ use, alg }) => use === 'next' && alg === 'ES256');
    while ((await waiting()).length === 0) {
      if (performance.now() > deadline) throw new Error('no key was made');
      await wait(1000);
    }
    // Both nodes have looked when both publish it, and each of them could have made one.
    const [made] = await waiting();
    await everywhere('the successor', (kids) => kids.includes(made?.kid ?? ''));
    expect(await waiting()).to.have.length(1);
  });
});
