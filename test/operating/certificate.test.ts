// A certificate that is about to end is exchanged under people's hands: a reload shows the new one, and a wrong one changes nothing.
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { connect } from 'node:tls';
import { expect } from 'chai';
import { type ClientCertificate, selfSigned } from '../support/client-certificates.ts';
import { freePort } from '../support/services.ts';
import { type Node, type RunningWorld, startWorld } from '../support/world.ts';

describe('the certificate of server.tls', function () {
  this.timeout(180_000);
  let folder: string;
  let world: RunningWorld;
  let node: Node;
  let port: number;
  let old: ClientCertificate;
  let fresh: ClientCertificate;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'countersign-certificate-'));
    [old, fresh] = ['old', 'fresh'].map((name) =>
      selfSigned(folder, name, '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'),
    ) as [ClientCertificate, ClientCertificate];
    put(old);
    world = await startWorld({
      backend: 'servers',
      issuer: `https://localhost:${await freePort()}`,
      server: { tls: { cert_file: join(folder, 'tls.pem'), key_file: join(folder, 'tls.key') } },
    });
    node = world.nodes[0] as Node;
    port = Number(new URL(node.origin).port);
  });
  after(async () => {
    await world?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** As certbot's hook does: both files, and only then the word. */
  function put(certificate: Pick<ClientCertificate, 'certFile' | 'keyFile'>): void {
    copyFileSync(certificate.certFile, join(folder, 'tls.pem'));
    copyFileSync(certificate.keyFile, join(folder, 'tls.key'));
    chmodSync(join(folder, 'tls.key'), 0o600);
  }

  const shown = () =>
    new Promise<string>((resolve, reject) => {
      const socket = connect({ port, host: 'localhost', rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().fingerprint256);
        socket.end();
      });
      socket.once('error', reject);
    });
  const ask = (agent: Agent) =>
    new Promise<number>((resolve, reject) => {
      const asked = request(`https://localhost:${port}/jwks`, { agent }, (answer) => {
        answer.resume().once('end', () => resolve(answer.statusCode ?? 0));
      });
      asked.once('error', reject).end();
    });
  /** Reads again, and answers what was logged of it. */
  async function reload(): Promise<string> {
    const before = node.output().length;
    node.hangUp();
    for (;;) {
      const said = node.output().slice(before);
      if (/configuration (reloaded|refused)/.test(said)) return said;
      await wait(20);
    }
  }

  it('is another one after a reload, for whoever connects from then on, and no restart is asked for', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: [old.pem, fresh.pem] });
    expect(await shown()).to.equal(old.x509.fingerprint256);
    expect(await ask(agent)).to.equal(200);
    put(fresh);
    const said = await reload();
    expect(said).to.contain('"needsRestart":[]').and.contain('server.tls.certificate').and.not.contain('BEGIN');
    expect(await shown()).to.equal(fresh.x509.fingerprint256);
    expect(await ask(agent), 'on the connection from before').to.equal(200);
    agent.destroy();
  });

  it('stays as it is where key and certificate do not belong together, and the reason is told', async () => {
    put({ certFile: old.certFile, keyFile: fresh.keyFile });
    const said = await reload();
    expect(said).to.contain('configuration refused').and.contain('tls.key_file: has the key of another certificate');
    expect(await shown()).to.equal(fresh.x509.fingerprint256);
    put({ certFile: old.keyFile, keyFile: old.certFile });
    expect(await reload())
      .to.contain('tls.cert_file: must have a certificate')
      .and.contain('tls.key_file: must have a private key');
    const checked = await world.cli(['config', 'check']);
    expect(checked.code).to.equal(1);
    put(fresh);
    expect(await reload()).to.contain('configuration reloaded');
  });
});
