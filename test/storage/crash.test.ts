// The embedded database when its process dies: nothing that was acknowledged is lost, and the folder can be opened again.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { type Database, openDatabase } from '../../src/storage/postgres/database.ts';
import { DatabaseInUse, lockFolder } from '../../src/storage/postgres/folder-lock.ts';

const WRITER = fileURLToPath(new URL('./crash-writer.ts', import.meta.url));

/** A process that writes, and the rows that it said were kept. */
function startWriter(folder: string): { child: ChildProcess; kept: number[]; reached(count: number): Promise<void> } {
  const child = spawn(process.execPath, ['--import=tsx', WRITER, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const kept: number[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  const gone = new Promise<never>((_, reject) => child.once('exit', () => reject(new Error('the writer has ended'))));
  gone.catch(() => undefined);
  if (!child.stdout) throw new Error('no output');
  createInterface({ input: child.stdout }).on('line', (line) => {
    kept.push(Number(line));
    for (const { count, resolve } of waiting) if (kept.length >= count) resolve();
  });
  const reached = (count: number) =>
    Promise.race([gone, new Promise<void>((resolve) => waiting.push({ count, resolve }))]);
  return { child, kept, reached };
}

function killed(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('close', () => resolve());
    child.kill('SIGKILL');
  });
}

describe('the embedded database after kill -9', function () {
  this.timeout(120_000);
  let home: string;
  let folder: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'countersign-crash-'));
    folder = join(home, 'db');
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  it('keeps every row that was acknowledged, twice in a row, and takes the lock over', async () => {
    const acknowledged: number[] = [];
    for (const more of [150, 60]) {
      const writer = startWriter(folder);
      try {
        await writer.reached(more);
        expect(() => lockFolder(folder), 'the lock of a living process').to.throw(DatabaseInUse);
      } finally {
        await killed(writer.child);
      }
      acknowledged.push(...writer.kept);
      expect(existsSync(`${folder}.lock`), 'the dead process has left its lock').to.equal(true);
    }
    const database: Database = await openDatabase({ kind: 'embedded', folder });
    try {
      const lost: number[] = [];
      for (const row of acknowledged) if (await database.records.spent.transaction(`txn-${row}`)) lost.push(row);
      expect(acknowledged.length).to.be.at.least(210);
      expect(lost).to.deep.equal([]);
      expect(JSON.parse(readFileSync(`${folder}.lock`, 'utf8')).pid).to.equal(process.pid);
    } finally {
      await database.close();
    }
    expect(existsSync(`${folder}.lock`)).to.equal(false);
  });

  it('takes a lock over whose process number now belongs to another process, and one that is broken', () => {
    for (const text of [JSON.stringify({ pid: process.ppid, started: '1' }), '{', '']) {
      writeFileSync(`${folder}.lock`, text);
      lockFolder(folder)();
      expect(existsSync(`${folder}.lock`)).to.equal(false);
    }
  });
});
