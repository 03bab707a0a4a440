// The demo on other ports: DEMO_PORT moves every address of the demo service, so that the provider knows it where it runs.
import type { Findings } from './problems.ts';
import type { Environment } from './reading.ts';
import type { ClientSettings, ResourceSettings, Settings } from './settings.ts';

/** The client whose addresses move; `npm start` runs it. */
const DEMO_CLIENT = 'demo';

/** The settings with the demo service, its API and the permission to call it on DEMO_PORT. Only in the demo. */
export function moveDemo(settings: Settings, environment: Environment, findings: Findings): Settings {
  const asked = environment.DEMO_PORT;
  const demo = settings.clients.find((client) => client.metadata.client_id === DEMO_CLIENT);
  const home = demo?.homepage;
  if (!settings.server.demo || !asked || home === undefined || !URL.canParse(home)) return settings;
  const [from, to] = [new URL(home), new URL(home)];
  const port = /^\d{1,5}$/.test(asked) ? Number(asked) : 0;
  if (port < 1 || port > 65_535) {
    const value = JSON.stringify(asked.slice(0, 40));
    findings.problems.push({ file: 'environment', key: 'DEMO_PORT', rule: 'must be a number from 1 to 65535', value });
    return settings;
  }
  to.port = asked;
  if (to.origin === from.origin) return settings;
  findings.notes.push(`environment: DEMO_PORT moves the demo service from ${from.origin} to ${to.origin}`);
  const moved = (address: string) =>
    address === from.origin || address.startsWith(`${from.origin}/`)
      ? `${to.origin}${address.slice(from.origin.length)}`
      : address;
  return {
    ...settings,
    clients: settings.clients.map((client) => (client === demo ? movedClient(client, moved) : client)),
    resources: settings.resources.map(
      (resource): ResourceSettings => ({ ...resource, identifier: moved(resource.identifier) }),
    ),
    outbound: {
      ...settings.outbound,
      allow: settings.outbound.allow.map((entry) => (entry === from.host ? to.host : entry)),
    },
  };
}

function movedClient(client: ClientSettings, moved: (address: string) => string): ClientSettings {
  const each = (value: unknown): unknown => {
    if (typeof value === 'string') return moved(value);
    return Array.isArray(value) ? value.map(each) : value;
  };
  const metadata = Object.fromEntries(Object.entries(client.metadata).map(([name, value]) => [name, each(value)]));
  return {
    ...client,
    metadata: { ...metadata, client_id: client.metadata.client_id },
    ...(client.homepage === undefined ? {} : { homepage: moved(client.homepage) }),
  };
}
