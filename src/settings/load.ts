// Reads a configuration folder whole: either every setting, checked and resolved, or every mistake.
import { resolve } from 'node:path';
import { atOnce, gently, type Steps } from '../platform/gently.ts';
import { checkClients, checkNotices, checkOutboundList, checkResources, type Offer } from './check-catalog.ts';
import { checkClient } from './check-client.ts';
import { checkLevels } from './check-levels.ts';
import { type Read, readSection } from './explain.ts';
import { type ConfigurationFolder, readFolder } from './folder.ts';
import type { Memory } from './memory.ts';
import { moveDemo } from './move-demo.ts';
import { Findings, type Problem } from './problems.ts';
import { type Environment, type Reading, takeSecret } from './reading.ts';
import { resolveKeys } from './resolve-keys.ts';
import { checkMethods, resolveBranding, resolveDevices } from './resolve-pages.ts';
import { isDemo, resolveServer, standInServer } from './resolve-server.ts';
import { resolveMail, resolveStorage } from './resolve-storage.ts';
import { type ClientFile, resolveClient } from './sections/clients.ts';
import { FILES, FOLDERS } from './sections/index.ts';
import { resolveLevels } from './sections/levels.ts';
import { resolveLifetimes } from './sections/lifetimes.ts';
import { resolveLimits } from './sections/limits.ts';
import { resolveMethods } from './sections/methods.ts';
import { resolveNotices, resolveReadOnly } from './sections/notices.ts';
import { resolveOutbound } from './sections/outbound.ts';
import { resolveResource } from './sections/resources.ts';
import type { ClientSettings, ServerSettings, Settings } from './settings.ts';
import { checkSecrets } from './strength.ts';

/**
 * The settings, or every mistake of every file at once. `notes` are worth reading and no mistakes; `files` are those outside the folder's
 * own sections that were read (secrets, certificates, the logo), absolute.
 */
export type Loaded =
  | { ok: true; settings: Settings; notes: string[]; files: string[] }
  | { ok: false; problems: Problem[]; notes: string[] };

/** Every file by its schema; sections whose files are missing have their defaults. */
function* readAll({ files, folders }: ConfigurationFolder, memory?: Memory) {
  const clients: Read<ClientFile>[] = [];
  for (const document of folders.clients) {
    clients.push(readSection(document, FOLDERS.clients, memory));
    yield;
  }
  return {
    server: readSection(files.server, FILES.server),
    storage: readSection(files.storage, FILES.storage),
    keys: readSection(files.keys, FILES.keys),
    levels: readSection(files.levels, FILES.levels),
    methods: readSection(files.methods, FILES.methods),
    devices: readSection(files.devices, FILES.devices),
    lifetimes: readSection(files.lifetimes, FILES.lifetimes),
    branding: readSection(files.branding, FILES.branding),
    notices: readSection(files.notices, FILES.notices),
    mail: readSection(files.mail, FILES.mail),
    limits: readSection(files.limits, FILES.limits),
    outbound: readSection(files.outbound, FILES.outbound),
    clients,
    resources: folders.resources.map((document) => readSection(document, FOLDERS.resources, memory)),
  };
}

type Sections = ReturnType<typeof readAll> extends Generator<undefined, infer Read> ? Read : never;

/** Resolves a section where there is something to resolve. */
function from<T, R>(read: Read<T>, resolveIt: (read: Read<T> & { value: T }) => R): R | undefined {
  return read.value === undefined ? undefined : resolveIt({ ...read, value: read.value });
}

function* clientsOf(reading: Reading, sections: Sections, memory?: Memory): Steps<ClientSettings[]> {
  const clients: ClientSettings[] = [];
  for (const { document, value, refused } of sections.clients) {
    yield;
    if (!value) continue;
    const secret = takeSecret(reading, document, [], 'client_secret', value, 'passphrase');
    const known = memory?.recallMade<{ client: ClientSettings; secret: string | undefined }>(value, 'client');
    if (known && known.secret === secret?.reveal()) {
      clients.push(known.client);
      continue;
    }
    const found = reading.findings.count();
    checkClient(document, value, refused);
    const client = resolveClient(value, secret, document.file);
    clients.push(client);
    // What was told must be told the next time too.
    if (reading.findings.count() === found) memory?.keepMade(value, 'client', { client, secret: secret?.reveal() });
  }
  return clients;
}

/** Whether server.yaml says plainly if this is the demo; not so where it cannot be read, or says so of an address that is no demo's. */
function saysWhetherDemo({ document, value, refused }: Sections['server']): boolean {
  const says = (document.value as { demo?: unknown } | null)?.demo;
  return document.readable && !refused.has('demo') && (says !== true || isDemo(value));
}

function withoutKeys(sections: Sections): Sections {
  return { ...sections, keys: { ...sections.keys, value: undefined } };
}

/** The rules that need more than one file. */
function checkTogether(sections: Sections, offer: Offer | undefined): void {
  if (offer) checkLevels(sections.levels.document, offer.levels, offer.methods);
  checkClients(sections.clients, offer, sections.outbound.value, sections.server.value);
  const everyClientRead = sections.clients.every(({ value }) => value !== undefined);
  const ids = new Set(sections.clients.flatMap(({ value }) => (value ? [value.client_id] : [])));
  checkResources(sections.resources, offer, everyClientRead ? ids : undefined);
  checkNotices(sections.notices, everyClientRead ? ids : undefined);
  const { session } = sections.lifetimes.value ?? {};
  if (session?.idle !== undefined && session.idle > session.absolute)
    sections.lifetimes.document.problem(['session', 'idle'], 'must not be longer than session.absolute');
  const limits = Object.entries(sections.limits.value ?? {});
  for (const [name, { block, block_max }] of limits) {
    if (block_max !== undefined && block === undefined)
      sections.limits.document.problem([name, 'block_max'], 'needs block: the first wait');
    else if (block_max !== undefined && block !== undefined && block_max < block)
      sections.limits.document.problem([name, 'block_max'], 'must not be shorter than block');
  }
}

function* resolveAll(
  reading: Reading,
  sections: Sections,
  server: ServerSettings,
  writtenIssuer: string,
  memory?: Memory,
): Steps<Partial<Settings>> {
  const methods = from(sections.methods, ({ value, document }) => {
    checkMethods(reading, document, value);
    return resolveMethods(value);
  });
  const levels = from(sections.levels, ({ value }) => resolveLevels(value));
  checkTogether(
    sections,
    // Where methods.yaml is broken the defaults stand in, so that what names a level is still checked.
    levels && sections.levels.sound
      ? { levels, methods: methods && sections.methods.sound ? methods : resolveMethods(FILES.methods.parse({})) }
      : undefined,
  );
  const parts = {
    folder: reading.folder,
    server,
    storage: from(sections.storage, ({ value, document }) => resolveStorage(reading, document, value)),
    keys: from(sections.keys, ({ value, document }) => resolveKeys(reading, document, value)),
    levels,
    methods,
    devices: from(sections.devices, ({ value, document }) =>
      resolveDevices(reading, document, value, server, writtenIssuer),
    ),
    lifetimes: from(sections.lifetimes, ({ value }) => resolveLifetimes(value)),
    branding: from(sections.branding, ({ value, document }) => resolveBranding(reading, document, value)),
    notices: from(sections.notices, ({ value }) => resolveNotices(value)),
    readOnly: from(sections.notices, ({ value }) => resolveReadOnly(value)),
    mail: from(sections.mail, ({ value, document }) => resolveMail(reading, document, value)),
    limits: from(sections.limits, ({ value }) => resolveLimits(value)),
    outbound: from(sections.outbound, ({ value, document }) => {
      checkOutboundList(document, value);
      return resolveOutbound(value);
    }),
    clients: yield* clientsOf(reading, sections, memory),
    resources: sections.resources.flatMap(({ value, document }) =>
      value ? [resolveResource(value, document.file)] : [],
    ),
  };
  yield* checkSecrets(reading.secrets, reading.demo);
  return Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== undefined));
}

/**
 * Reads, checks and resolves a configuration folder. Changes nothing; in the demo call `ensureDemoSecrets` before.
 * @param folder the folder (COUNTERSIGN_CONFIG or `--config`, chosen by the caller).
 * @param environment PORT, HOST, DEMO_PORT (in the demo), DATABASE_URL, REDIS_URL (the last two also as NAME_FILE) and whatever `${env:NAME}` names.
 */
export function loadSettings(folder: string, environment: Environment): Loaded {
  return atOnce(loading(folder, environment));
}

/** The same beside requests that are answered, and without parsing again what has not changed. @param memory of the readings before. */
export function loadSettingsGently(folder: string, environment: Environment, memory: Memory): Promise<Loaded> {
  return gently(loading(folder, environment, memory));
}

function* loading(folder: string, environment: Environment, memory?: Memory): Steps<Loaded> {
  const findings = new Findings();
  const absolute = resolve(folder);
  const read = yield* readFolder(absolute, findings, memory);
  if (!read) return { ok: false, problems: findings.sorted(), notes: [] };
  const sections = yield* readAll(read, memory);
  const written = sections.server.value;
  const server = written
    ? resolveServer(sections.server.document, written, absolute, environment, findings)
    : standInServer(absolute);
  const clear = saysWhetherDemo(sections.server);
  const reading: Reading = {
    folder: absolute,
    environment,
    findings,
    // Where it is not known whether this is a demo, its looser rules count: that mistake is told, and no others that only follow from it.
    demo: isDemo(written) || !clear,
    dataFolder: server.dataFolder,
    secrets: [],
    files: [],
  };
  const settings = yield* resolveAll(
    reading,
    clear ? sections : withoutKeys(sections),
    server,
    written?.issuer ?? server.issuer,
    memory,
  );
  if (findings.problems.length > 0) return { ok: false, problems: findings.sorted(), notes: findings.notes };
  const moved = moveDemo(settings as Settings, environment, findings);
  if (findings.problems.length > 0) return { ok: false, problems: findings.sorted(), notes: findings.notes };
  return { ok: true, settings: moved, notes: findings.notes, files: filesOf(reading, moved) };
}

/** The files that a reading took something from, or that the settings name. */
function filesOf(reading: Reading, { server, branding }: Settings): string[] {
  const origins = reading.secrets
    .map(({ secret }) => secret.origin)
    .filter((origin) => origin !== 'inline' && !origin.startsWith('env:'));
  const named = [...origins, ...reading.files, server.tls?.certFile, server.tls?.keyFile, branding.logoFile];
  return [...new Set(named.filter((file) => file !== undefined).map((file) => resolve(reading.folder, file)))];
}
