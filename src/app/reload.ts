// Takes new settings over: all clients and resources whole, or nothing; what changed is said key by key, and what needs a restart by name.
import type Provider from 'oidc-provider';
import { pauses } from '../platform/gently.ts';
import { type Difference, settingsDifferences } from '../settings/difference.ts';
import { Secret } from '../settings/secret.ts';
import type { ClientSettings, KeySettings, ServerSettings, Settings } from '../settings/settings.ts';
import { withAccess } from '../settings/store-access.ts';

/** What a reload did. Lists are cut to so many that a log can hold them; counts are whole. */
export interface ReloadReport {
  clients: { added: string[]; changed: string[]; removed: string[] };
  /** Files, or one key of a file (as settings spell it), whose change takes effect at the next start only. */
  needsRestart: string[];
  /** Key by key, secrets hidden; in the live sections and in those that need a restart. */
  changes: Difference[];
  counts: { added: number; changed: number; removed: number; keys: number };
}

/** Sections that take effect at once. Of the keys all but the one for push, which every phone subscribed to; of the storage who we are there. */
const LIVE: readonly (keyof Settings)[] = [
  'levels',
  'methods',
  'devices',
  'lifetimes',
  'branding',
  'notices',
  'readOnly',
  'mail',
  'limits',
  'outbound',
  'resources',
];

/** So many of a kind are listed, and of a value so many characters. */
const LISTED = 50;
const LONGEST = 300;

/**
 * Builds every client as oidc-provider would at its first use, so that a mistake that only the library sees is told now.
 * @throws Error that names the file.
 */
export async function dryRunClients(provider: Provider, clients: readonly ClientSettings[]): Promise<void> {
  const problems: string[] = [];
  const pause = pauses();
  for (const client of clients) {
    await pause();
    try {
      await provider.Client.validate(client.metadata as never);
    } catch (error) {
      const { message, error_description } = error as { message: string; error_description?: string };
      problems.push(`${client.file}: ${error_description ?? message}`);
    }
  }
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

/** How two settings differ. */
export interface Comparison {
  added: ClientSettings[];
  /** The new ones. */
  changed: ClientSettings[];
  /** The old ones. */
  removed: ClientSettings[];
  /** Sections other than the clients. */
  sections: (keyof Settings)[];
  /** The clients of the new settings; for those that did not change the old objects. */
  clients: ClientSettings[];
}

/** Compares, beside requests that are answered. A secret that is another one is a difference. */
export async function compareSettings(old: Settings, fresh: Settings): Promise<Comparison> {
  const pause = pauses();
  const before = new Map(old.clients.map((client) => [client.metadata.client_id, client]));
  const compared: Comparison = { added: [], changed: [], removed: [], sections: [], clients: [] };
  for (const client of fresh.clients) {
    await pause();
    const known = before.get(client.metadata.client_id);
    before.delete(client.metadata.client_id);
    const same = known !== undefined && (known === client || fingerprintOf(known) === fingerprintOf(client));
    compared.clients.push(same ? known : client);
    if (!same) (known ? compared.changed : compared.added).push(client);
  }
  compared.removed = [...before.values()];
  compared.sections = (Object.keys(fresh) as (keyof Settings)[]).filter(
    (section) => section !== 'clients' && withSecrets(old[section]) !== withSecrets(fresh[section]),
  );
  return compared;
}

/** Whether anything at all is another. */
export function isSame({ added, changed, removed, sections }: Comparison): boolean {
  return added.length + changed.length + removed.length + sections.length === 0;
}

/** Settings of which only the live sections are new, and what was done. */
export function mergeSettings(
  old: Settings,
  fresh: Settings,
  compared: Comparison,
): { settings: Settings; report: ReloadReport } {
  const { added, changed, removed, sections, clients } = compared;
  // What did not change stays the very object of before: whoever follows a section sees by it that there is nothing to do.
  const live = Object.fromEntries(
    LIVE.filter((section) => sections.includes(section)).map((section) => [section, fresh[section]]),
  ) as Partial<Settings>;
  const names = (list: ClientSettings[]) => list.slice(0, LISTED).map(({ metadata }) => metadata.client_id);
  const differ = differing(old, fresh, compared);
  const otherPush = old.keys.push?.reveal() !== fresh.keys.push?.reveal();
  const keys = sections.includes('keys') ? withPush(fresh.keys, old.keys.push) : old.keys;
  const server = withLive(old.server, fresh.server);
  const storage = withAccess(old.storage, fresh.storage);
  const otherServer = unlike(server, fresh.server).map((key) => `server.${key}`);
  const otherStore = withSecrets(storage) === withSecrets(fresh.storage) ? [] : ['storage'];
  return {
    settings: { ...old, ...live, keys, server, storage, clients },
    report: {
      clients: { added: names(added), changed: names(changed), removed: names(removed) },
      needsRestart: [...otherServer, ...otherStore, ...(otherPush ? ['keys.push'] : [])],
      changes: differ.slice(0, LISTED).map(cut),
      counts: { added: added.length, changed: changed.length, removed: removed.length, keys: differ.length },
    },
  };
}

/** Keys with the push key in force. */
function withPush({ push: _, ...keys }: KeySettings, push: Secret | undefined): KeySettings {
  return { ...keys, ...(push ? { push } : {}) };
}

/** The server as it runs, with what may change meanwhile: the rest is where we listen and who we are, and needs a restart. Whether it has a certificate at all is seen to when it begins to listen. */
function withLive(old: ServerSettings, fresh: ServerSettings): ServerSettings {
  const { trustedProxies, mtls, postAuthorization, shutdown, logLevel, tls } = fresh;
  const { mtls: _, ...others } = old;
  return {
    ...others,
    ...{ trustedProxies, postAuthorization, shutdown, logLevel },
    ...(mtls ? { mtls } : {}),
    ...(old.tls && tls ? { tls } : {}),
  };
}

/** Members that the two do not have alike. */
function unlike(one: object, other: object): string[] {
  const text = (of: object, name: string) => withSecrets((of as { [name: string]: unknown })[name]);
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].filter(
    (name) => text(one, name) !== text(other, name),
  );
}

/** Key by key, looking only at what is known to differ; of very many clients only the first. */
function differing(old: Settings, fresh: Settings, { added, changed, removed, sections }: Comparison): Difference[] {
  const [come, other, gone] = [added, changed, removed].map((list) => list.slice(0, LISTED)) as [
    ClientSettings[],
    ClientSettings[],
    ClientSettings[],
  ];
  const ids = new Set(other.map(({ metadata }) => metadata.client_id));
  const only = (settings: Settings, clients: ClientSettings[]) => ({
    ...Object.fromEntries(sections.map((section) => [section, settings[section]])),
    clients,
  });
  const were = old.clients.filter(({ metadata }) => ids.has(metadata.client_id));
  return settingsDifferences(only(old, [...were, ...gone]), only(fresh, [...other, ...come]));
}

function cut({ key, before, after }: Difference): Difference {
  const short = (value: unknown) => {
    const text = value === undefined ? '' : JSON.stringify(value);
    return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : value;
  };
  return { key, before: short(before), after: short(after) };
}

const fingerprints = new WeakMap<ClientSettings, string>();

/** A client as text; its secret stands in it, so it is never shown. */
function fingerprintOf(client: ClientSettings): string {
  const known = fingerprints.get(client) ?? JSON.stringify(client);
  fingerprints.set(client, known);
  return known;
}

/** A section as text with its secrets revealed: compared here, and never shown. */
function withSecrets(value: unknown): string {
  return JSON.stringify(value, function (this: { [name: string]: unknown }, name, inner: unknown) {
    const raw = this[name];
    return raw instanceof Secret ? raw.reveal() : inner;
  });
}
