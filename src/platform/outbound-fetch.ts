// The guarded fetch of oidc-provider, whose machinery is loaded at the first request: most servers send out none for a long time.
import type { Outbound, OutboundOptions } from './outbound.ts';

/**
 * `createOutbound`'s fetch alone.
 * @param current the same object for as long as the rules are the same; others hold from the next request on.
 */
export function createOutboundFetch(current: () => OutboundOptions): typeof globalThis.fetch {
  let made: { options: OutboundOptions; outbound: Promise<Outbound> } | undefined;
  return async (input, init) => {
    const options = current();
    if (made?.options !== options) {
      // What is on its way ends on the connections that it began on.
      void made?.outbound.then((old) => old.close()).catch(() => undefined);
      made = { options, outbound: import('./outbound.ts').then(({ createOutbound }) => createOutbound(options)) };
    }
    return (await made.outbound).fetch(input, init);
  };
}
