// The demo's person and its words of welcome. Only `demo: true` on a loopback issuer comes here.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeSecretOnce } from '../settings/demo-secrets.ts';
import type { Settings } from '../settings/settings.ts';
import { addUser, findUser } from '../usecases/manage-users.ts';
import type { House } from './assemble.ts';

const PERSON = { login: 'maria', name: 'Maria Demo', email: 'maria@example.org' } as const;

/** Without the letters and digits that people mistake for one another. */
const LETTERS = 'abcdefghjkmnpqrstuvwxyz23456789';

/** Adds the demo person once, and prints what to open and what to try. */
export async function introduce(house: House, settings: Settings, print: (line: string) => void): Promise<void> {
  const { world } = house;
  const file = join(settings.server.dataFolder, 'secrets', 'demo-password');
  await writeSecretOnce(file, () => newPassword(world.random.bytes(16)));
  const password = readFileSync(file, 'utf8').trim();
  if (!(await findUser(world, PERSON.login))) await addUser(world, { ...PERSON, password });
  for (const line of welcome(settings, password)) print(line);
}

/** Four groups of four: some 79 bits, and still typed without a mistake. */
function newPassword(bytes: Uint8Array): string {
  const letters = Array.from(bytes, (byte) => LETTERS[byte % LETTERS.length]).join('');
  return (letters.match(/.{4}/g) ?? []).join('-');
}

function welcome(settings: Settings, password: string): string[] {
  const { issuer } = settings.server;
  const rows = [
    ['Provider', issuer],
    ['Account page', `${issuer}/account`],
    ['Phone app', `${settings.devices.appOrigin}/phone/`],
    ...settings.clients.flatMap((client) =>
      client.homepage ? [[String(client.metadata['client_name']), client.homepage]] : [],
    ),
    ['Sign in as', `${PERSON.login}   password   ${password}`],
  ];
  const width = Math.max(...rows.map(([name]) => (name ?? '').length));
  const embedded = embeddedLine(settings);
  return [
    '',
    'Countersign is ready.',
    ...rows.map(([name, value]) => `  ${(name ?? '').padEnd(width)}   ${value}`),
    '',
    ...(embedded === undefined ? [] : [embedded, '']),
    'Try: open the account page, add a mobile device, and scan the QR code from the phone app in a second window;',
    'then open the demo service and ask for what needs the phone.',
    '',
  ];
}

/** What it means that storage is in this process, in one line; undefined on PostgreSQL and Redis. */
export function embeddedLine(settings: Settings): string | undefined {
  const { database, state } = settings.storage;
  if (database.kind !== 'embedded' && state.kind !== 'embedded') return undefined;
  const lasts =
    database.kind === 'embedded'
      ? `people, phones and grants are kept in ${database.folder} (PGlite, some 300 MB of memory)`
      : 'people, phones and grants are kept in PostgreSQL';
  const pending =
    state.kind === 'embedded'
      ? 'sessions and what is pending live in this one process and end with it'
      : 'sessions and what is pending live in Redis';
  return `Embedded: ${lasts}; ${pending}. DATABASE_URL and REDIS_URL switch to servers.`;
}
