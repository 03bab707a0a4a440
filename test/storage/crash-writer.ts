// Run as a process of its own by crash.test.ts: writes rows into the embedded database and says each one that was acknowledged, until it is killed.
import { openDatabase } from '../../src/storage/postgres/database.ts';

const folder = process.argv[2];
if (folder === undefined) throw new Error('crash-writer FOLDER');
const database = await openDatabase({ kind: 'embedded', folder });
await database.migrate();
for (let row = 1; ; row += 1) {
  if (await database.records.spent.transaction(`txn-${row}`)) process.stdout.write(`${row}\n`);
}
