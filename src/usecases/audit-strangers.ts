// What anybody can cause without being signed in stands in the audit, but not without end: a stranger must not fill the database.
import { addressKey } from '../domain/address.ts';
import type { Audit, World } from '../domain/ports.ts';
import { fingerprint } from '../platform/hashes.ts';

/** So many failures of nobody known are written down from one address in a minute. */
const MOST = 30;

/** The same audit, which leaves out what comes too often from one address and is about no person. */
export function auditStrangers(world: Pick<World, 'scratch'>, audit: Audit): Audit {
  return {
    async record(event) {
      if (event.sub === undefined && event.ip !== undefined && event.outcome === 'failure') {
        const place = `audit_stranger:${fingerprint(addressKey(event.ip))}`;
        // Where it cannot be counted it is written: losing the count must lose no event.
        const seen = await world.scratch.increment(place, 60).catch(() => 0);
        if (seen > MOST) return;
      }
      await audit.record(event);
    },
  };
}
