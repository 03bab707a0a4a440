// The registered services, in this process: replaced whole by a reload, read without a round trip.
import type { ClientSettings } from '../../settings/settings.ts';

/** The services as they stand. */
export interface ClientCatalog {
  /** What the operator wrote about a service. */
  get(clientId: string): ClientSettings | undefined;
  all(): readonly ClientSettings[];
  /** Puts other services in the place of all: requests see the old set or the new one, never a mixture. */
  replace(clients: readonly ClientSettings[]): void;
}

/** A catalog that starts with these services. */
export function createClientCatalog(clients: readonly ClientSettings[] = []): ClientCatalog {
  const mapped = (list: readonly ClientSettings[]) =>
    new Map(list.map((client) => [client.metadata.client_id, client]));
  let current = mapped(clients);
  return {
    get: (clientId) => current.get(clientId),
    all: () => [...current.values()],
    replace(next) {
      current = mapped(next);
    },
  };
}
