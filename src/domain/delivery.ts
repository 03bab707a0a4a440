// A message to a service that must arrive: kept in the outbox until the service has taken it or it is worth nothing any more.
import type { Sealed } from './device.ts';

/** `ciba_ping`: a back-channel request has its answer (CIBA section 10.2). `logout`: a session has ended (Back-Channel Logout section 2.5). */
export type DeliveryKind = 'ciba_ping' | 'logout';

/** One message. Its content is sealed: a dump of the database holds nothing that can be presented. */
export interface Delivery {
  id: string;
  kind: DeliveryKind;
  clientId: string;
  content: Sealed;
}

/** Associated data of the sealed content: one delivery's is useless in another's row. */
export const deliveryAad = (id: string): string => `delivery|v1|${id}`;

/** Seconds until the next try after so many: 1, 2, 4, … 60. */
export function retryAfter(tries: number): number {
  return Math.min(60, 2 ** Math.max(0, tries - 1));
}
