// A watched configuration folder: what is told as a change that somebody made, and what is looked at quietly.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { watchForChanges } from '../../src/app/changes.ts';
import { createLog } from '../../src/platform/log.ts';

describe('changes of the configuration', function () {
  this.timeout(120_000);
  it('are looked at quietly where the first reading has named more files, and aloud where one was written', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-changes-'));
    const elsewhere = mkdtempSync(join(tmpdir(), 'countersign-changes-'));
    const secret = join(elsewhere, 'secret');
    writeFileSync(secret, 'one');
    const calls: boolean[] = [];
    const watching = watchForChanges({
      folder,
      files: () => (calls.length === 0 ? [] : [secret]),
      log: createLog('silent'),
      changed: async (quiet) => void calls.push(quiet),
    });
    const until = async (count: number) => {
      for (let tries = 0; tries < 400 && calls.length < count; tries += 1) await wait(100);
      expect(calls).to.have.length(count);
    };
    try {
      await until(2);
      expect(calls, 'nobody has written anything').to.deep.equal([true, true]);
      writeFileSync(secret, 'another');
      await until(3);
      expect(calls[2]).to.equal(false);
    } finally {
      watching.stop();
      for (const one of [folder, elsewhere]) rmSync(one, { recursive: true });
    }
  });
});
