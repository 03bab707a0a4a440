// Takes new settings over: all clients and resources whole, or nothing; what needs a restart is said by name.
import type Provider from 'oidc-provider';
import type { Settings } from '../settings/settings.ts';

/** What a reload did. */
export interface ReloadReport {
  clients: { added: string[]; changed: string[]; removed: string[] };
  /** Files whose change takes effect at the next start only. */
  needsRestart: string[];
}

/** Sections that take effect at once. Everything else needs a restart. */
const LIVE: readonly (keyof Settings)[] = ['clients', 'resources', 'limits', 'branding', 'notices'];

/**
 * Builds every client as oidc-provider would at its first use, so that a mistake that only the library sees is told now.
 * @throws Error that names the file.
 */
export async function dryRunClients(provider: Provider, settings: Settings): Promise<void> {
  const problems: string[] = [];
  for (const client of settings.clients) {
    try {
      await provider.Client.validate(client.metadata as never);
    } catch (error) {
      const { message, error_description } = error as { message: string; error_description?: string };
      problems.push(`${client.file}: ${error_description ?? message}`);
    }
  }
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

/** Settings of which only the live sections are new, and what was done. */
export function mergeSettings(old: Settings, fresh: Settings): { settings: Settings; report: ReloadReport } {
  const live = Object.fromEntries(LIVE.map((section) => [section, fresh[section]])) as Partial<Settings>;
  const sections = Object.keys(fresh) as (keyof Settings)[];
  const needsRestart = sections.filter(
    (section) => !LIVE.includes(section) && fingerprintOf(old[section]) !== fingerprintOf(fresh[section]),
  );
  return { settings: { ...old, ...live }, report: { clients: difference(old, fresh), needsRestart } };
}

function difference(old: Settings, fresh: Settings): ReloadReport['clients'] {
  const before = new Map(old.clients.map((client) => [client.metadata.client_id, fingerprintOf(client)]));
  const after = new Map(fresh.clients.map((client) => [client.metadata.client_id, fingerprintOf(client)]));
  return {
    added: [...after.keys()].filter((id) => !before.has(id)),
    changed: [...after].filter(([id, now]) => before.has(id) && before.get(id) !== now).map(([id]) => id),
    removed: [...before.keys()].filter((id) => !after.has(id)),
  };
}

/** Two values are the same where their JSON is; a secret shows only where it came from, so a changed secret file is a restart anyway. */
function fingerprintOf(value: unknown): string {
  return JSON.stringify(value);
}
