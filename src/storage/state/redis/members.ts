// What a member of a Redis Cluster says about the others.
import type { Redis } from 'ioredis';
import type { Address } from '../../../settings/settings.ts';
import { SLOTS } from './slots.ts';

/** Which primary (`host:port`) holds each slot, and how new that knowledge is. */
export interface Members {
  epoch: number;
  owners: (string | undefined)[];
}

/** A range of `CLUSTER SLOTS`: first slot, last slot, the primary, its replicas. */
type Range = [number, number, [string | null, number, ...unknown[]], ...unknown[]];

const nameOf = ({ host, port }: Address): string => `${host}:${port}`;

/** The name of a member in its two parts. */
export function addressOf(name: string): Address {
  const colon = name.lastIndexOf(':');
  return { host: name.slice(0, colon), port: Number(name.slice(colon + 1)) };
}

/** What one member says of the cluster. Members that were cut off say what was true before: the highest epoch is the newest. */
export async function askMember(client: Redis): Promise<Members> {
  const [info, ranges] = await Promise.all([client.cluster('INFO'), client.cluster('SLOTS')]);
  const owners: (string | undefined)[] = new Array(SLOTS).fill(undefined);
  for (const [first, last, [host, port]] of ranges as unknown as Range[]) {
    // A member that does not know its own name leaves it out.
    const name = nameOf({ host: host || client.options.host || '', port });
    owners.fill(name, first, last + 1);
  }
  return { epoch: Number(/^cluster_current_epoch:(\d+)/m.exec(String(info))?.[1] ?? 0), owners };
}
