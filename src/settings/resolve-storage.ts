// storage.yaml and mail.yaml with their secrets and the environment.
import { resolve } from 'node:path';
import { databaseUrls, hostAndPort, isHostAndPort, parseUrl } from './addresses.ts';
import type { Document } from './document.ts';
import { environmentProblem, fromEnvironment, type Reading, takeSecret } from './reading.ts';
import { readAuthorities } from './resolve-server.ts';
import { Secret } from './secret.ts';
import type { MailFile } from './sections/mail.ts';
import { present } from './sections/pieces.ts';
import type { StorageFile } from './sections/storage.ts';
import type { Address, MailSettings, RedisSettings, StorageSettings } from './settings.ts';

interface Wanted {
  variable: string;
  schemes: readonly string[];
  rule: string;
}

const DATABASE: Wanted = {
  variable: 'DATABASE_URL',
  schemes: ['postgres:', 'postgresql:'],
  rule: 'must start with postgres:// or postgresql://',
};
const STATE: Wanted = {
  variable: 'REDIS_URL',
  schemes: ['redis:', 'rediss:'],
  rule: 'must start with redis:// or rediss://',
};

/** The address from the environment, or else from the file; undefined for the embedded form. */
function address(
  reading: Reading,
  document: Document,
  section: 'database' | 'state',
  file: { kind?: string | undefined; url?: string | undefined; url_file?: string | undefined },
  wanted: Wanted,
): Secret | undefined {
  const environment = fromEnvironment(reading.environment, wanted.variable);
  if (!environment.ok) environmentProblem(reading.findings, wanted.variable, environment.rule);
  const fits = (text: string) =>
    (section === 'database' ? databaseUrls(text) : [text]).every((one) =>
      wanted.schemes.includes(parseUrl(one)?.protocol ?? ''),
    );
  if (environment.ok && environment.value !== undefined) {
    if (!fits(environment.value)) environmentProblem(reading.findings, wanted.variable, wanted.rule);
    if (environment.file !== undefined) reading.files.push(environment.file);
    return new Secret(environment.value, environment.origin ?? wanted.variable);
  }
  const written = file.url !== undefined || file.url_file !== undefined;
  if (file.kind === 'embedded') {
    if (written) document.problem([section, 'kind'], 'is "embedded", but an address is written too: keep one');
    return undefined;
  }
  const secret = takeSecret(reading, document, [section], 'url', file, 'url');
  const key = file.url_file === undefined ? 'url' : 'url_file';
  if (secret && !fits(secret.reveal())) document.problem([section, key], wanted.rule, { shown: false });
  if (file.kind !== undefined && !written)
    document.problem([section], `needs url, url_file or the environment's ${wanted.variable}`);
  return secret;
}

function addresses(document: Document, path: readonly string[], written: readonly string[]): Address[] {
  written.forEach((one, index) => {
    if (!isHostAndPort(one))
      document.problem([...path, index], 'must be host:port, such as "redis-1.example.org:6379"');
  });
  return written.filter(isHostAndPort).map(hostAndPort);
}

/** Several servers of Redis: a cluster, or a primary that Sentinel watches; undefined where neither is written. */
function severalRedis(
  reading: Reading,
  document: Document,
  file: StorageFile['state'],
): Exclude<RedisSettings, { kind: 'redis' }> | undefined {
  const forms = (['url', 'url_file', 'sentinel', 'cluster'] as const).filter((key) => file[key] !== undefined);
  const several = file.sentinel ?? file.cluster;
  if (!several) return undefined;
  const key = file.sentinel ? 'sentinel' : 'cluster';
  if (forms.length > 1)
    document.problem(['state'], `${forms.join(' and ')} are all written: keep one`, { shown: false });
  if (file.kind === 'embedded')
    document.problem(['state', 'kind'], `is "embedded", but ${key} is written too: keep one`);
  // Silently using the one server of a left-over variable would split the nodes.
  if (reading.environment['REDIS_URL'] || reading.environment['REDIS_URL_FILE'])
    environmentProblem(reading.findings, 'REDIS_URL', `is set, but storage.yaml has state.${key}: keep one`);
  const access = present({
    username: several.username,
    password: takeSecret(reading, document, ['state', key], 'password', several, 'password'),
    tls: several.tls,
  });
  const nodes = addresses(document, ['state', key, 'nodes'], several.nodes);
  if (!file.sentinel) return { kind: 'redis-cluster', nodes, ...access };
  return {
    kind: 'redis-sentinel',
    master: file.sentinel.name,
    nodes,
    database: file.sentinel.database,
    ...access,
    ...present({
      sentinelUsername: file.sentinel.sentinel_username,
      sentinelPassword: takeSecret(
        reading,
        document,
        ['state', 'sentinel'],
        'sentinel_password',
        file.sentinel,
        'password',
      ),
    }),
  };
}

function resolveState(reading: Reading, document: Document, file: StorageFile['state']): StorageSettings['state'] {
  const authorities =
    file.ca_file === undefined
      ? {}
      : present({
          authorities: readAuthorities(document, ['state', 'ca_file'], resolve(reading.folder, file.ca_file)),
        });
  const several = severalRedis(reading, document, file);
  if (several && file.ca_file !== undefined && !several.tls)
    document.problem(['state', 'ca_file'], 'is written, but tls is not on');
  if (several) return { ...several, ...authorities };
  const url = address(reading, document, 'state', file, STATE);
  if (file.ca_file !== undefined && !url?.reveal().startsWith('rediss:'))
    document.problem(['state', 'ca_file'], 'is written, but the address does not start with rediss://');
  return url ? { kind: 'redis', url, ...authorities } : { kind: 'embedded' };
}

/** Where things are kept. DATABASE_URL and REDIS_URL (or their _FILE forms) win over the file. */
export function resolveStorage(reading: Reading, document: Document, file: StorageFile): StorageSettings {
  const database = address(reading, document, 'database', file.database, DATABASE);
  const state = resolveState(reading, document, file.state);
  const shared = state.kind !== 'embedded';
  if (!database || !shared) {
    const parts = [database ? undefined : 'database (PGlite)', shared ? undefined : 'state (this process)'].filter(
      (part) => part !== undefined,
    );
    document.note(
      [],
      `embedded ${parts.join(' and ')}: one node only${shared ? '' : '; a restart loses what is pending'}`,
    );
  }
  return {
    database: database
      ? { kind: 'postgres', url: database, poolMax: file.database.pool_max }
      : {
          kind: 'embedded',
          folder:
            file.database.folder === undefined
              ? resolve(reading.dataFolder, 'database')
              : resolve(reading.folder, file.database.folder),
        },
    state,
  };
}

function outbox(reading: Reading, document: Document, transport: MailFile['transport'], from: string): MailSettings {
  if (transport?.console === true && !reading.demo) {
    document.problem(['transport', 'console'], 'prints codes and links that let people in: only with demo: true');
  }
  if (transport && !reading.demo)
    document.note(['transport'], 'mail is only written into a folder: something else has to send it');
  const folder =
    transport?.folder === undefined ? resolve(reading.dataFolder, 'outbox') : resolve(reading.folder, transport.folder);
  return { from, transport: { kind: 'outbox', folder, console: reading.demo && (transport?.console ?? true) } };
}

/** How mail leaves. Without `demo: true` both the sender and the transport have to be written. */
export function resolveMail(reading: Reading, document: Document, file: MailFile): MailSettings {
  if (!reading.demo && file.from === undefined) document.problem(['from'], 'is required: the sender of our mails');
  if (!reading.demo && file.transport === undefined)
    document.problem(['transport'], 'is required: how mail leaves (kind: smtp with url_file)');
  const from = file.from ?? 'Countersign <no-reply@localhost>';
  const transport = file.transport;
  if (transport?.kind !== 'smtp') {
    for (const key of ['url', 'url_file'] as const) {
      if (transport?.[key] !== undefined)
        document.problem(['transport', key], 'belongs to kind: smtp', { shown: false });
    }
    return outbox(reading, document, transport, from);
  }
  for (const key of ['folder', 'console'] as const) {
    if (transport[key] !== undefined) document.problem(['transport', key], 'belongs to kind: outbox');
  }
  const url = takeSecret(reading, document, ['transport'], 'url', transport, 'url');
  const key = transport.url_file === undefined ? 'url' : 'url_file';
  if (transport.url === undefined && transport.url_file === undefined)
    document.problem(['transport'], 'kind: smtp needs url or url_file');
  if (url && !/^smtps?:$/.test(parseUrl(url.reveal())?.protocol ?? '')) {
    document.problem(['transport', key], 'must start with smtp:// or smtps://', { shown: false });
  }
  return { from, transport: { kind: 'smtp', url: url ?? new Secret('', 'missing') } };
}
