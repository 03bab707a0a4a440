// The guarded fetch of oidc-provider, whose machinery is loaded at the first request: most servers send out none for a long time.
import type { Outbound, OutboundOptions } from './outbound.ts';

/** `createOutbound`'s fetch alone. */
export function createOutboundFetch(options: OutboundOptions): typeof globalThis.fetch {
  let outbound: Promise<Outbound> | undefined;
  return async (input, init) => {
    outbound ??= import('./outbound.ts').then(({ createOutbound }) => createOutbound(options));
    return (await outbound).fetch(input, init);
  };
}
