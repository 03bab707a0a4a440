// outbound.yaml: what the server itself may call.
import { z } from 'zod';
import type { OutboundSettings } from '../settings.ts';
import { shortDuration, text } from './pieces.ts';

export const outboundSchema = z
  .strictObject({
    allow: z
      .array(text())
      .prefault([])
      .describe(
        'Places (host:port) that may stand on loopback, link-local or private addresses; every other such address is refused.',
      ),
    timeout: shortDuration('100ms', '30s')
      .prefault('2500ms')
      .describe('A request that we send out is given up after so long.'),
  })
  .describe('Requests that we send out: back-channel logout, keys of clients, push.');

export type OutboundFile = z.output<typeof outboundSchema>;

/** As the house reads it. */
export function resolveOutbound(file: OutboundFile): OutboundSettings {
  return { allow: file.allow.map((entry) => entry.toLowerCase()), timeoutMs: file.timeout };
}
