// Wakes phones by Web Push (RFC 8030, 8291, 8292): only a knock. Nobody waits for it, and where it fails the phone finds its request when it is opened.
import { createECDH } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { pushAad, type Sealed } from '../domain/device.ts';
import type { Push, PushSubscription, Records, Vault } from '../domain/ports.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { Random } from '../platform/random.ts';
import { isPushService } from './services.ts';

/** What a sender is made of. */
export interface WebPushParts {
  /** The VAPID key: 32 bytes, base64url. */
  key: string;
  /** Whether the operator wants it at the moment. */
  enabled: () => boolean;
  /** `https:` or `mailto:`: whom a push service may tell of trouble; read at each use. */
  contact: () => string;
  /** Push services besides the browsers' own; read at each use. */
  hosts: () => readonly string[];
  devices: Pick<Records['devices'], 'pushOf' | 'dropPush'>;
  vault: Pick<Vault, 'seal' | 'open'>;
  /** The guarded one: it opens no private address and follows no redirect. */
  fetch: typeof globalThis.fetch;
  clock: Clock;
  random: Random;
  log: Log;
}

/** A sender that can be closed. */
export interface WebPush extends Push {
  /** Gives up what waits for its second try, and waits for what is on its way. */
  close(): Promise<void>;
}

/** Seconds that a push service keeps a message: as long as a pushed request lives (protocol section 5). */
const TTL = 120;
/** Milliseconds before the second try where the service names no time, and the longest that we wait for it. */
const SECOND_TRY = { usual: 2_000, longest: 30_000 } as const;
/** Messages on their way at once: more would only be memory. */
const UNDER_WAY = 200;

/** A subscription as it is kept. The topic lets a newer knock replace an older one that was not delivered (RFC 8030 section 5.4). */
interface Kept extends PushSubscription {
  topic: string;
}

/** The public half of a VAPID key, base64url. @throws Error where it is no P-256 key. */
export function vapidPublicKey(key: string): string {
  const pair = createECDH('prime256v1');
  pair.setPrivateKey(Buffer.from(key, 'base64url'));
  return pair.getPublicKey('base64url');
}

/** The port {@link Push} over the browsers' push services. */
export function createWebPush(parts: WebPushParts): WebPush {
  const { devices, vault, log } = parts;
  const publicKey = vapidPublicKey(parts.key);
  const closing = new AbortController();
  const underWay = new Set<Promise<void>>();
  const accepts = (endpoint: string) => parts.enabled() && isPushService(endpoint, parts.hosts());

  function read(id: string, sealed: Sealed): Kept | undefined {
    const bytes = vault.open(sealed, pushAad(id));
    return bytes ? (JSON.parse(Buffer.from(bytes).toString()) as Kept) : undefined;
  }

  /** One try; the answer's status, and when a busy service wants to be asked again. */
  async function post(kept: Kept, payload: string): Promise<{ status: number; again?: number }> {
    // Loaded at the first message: most starts need none.
    const { default: webPush } = await import('web-push');
    const { endpoint, headers, body } = webPush.generateRequestDetails(
      { endpoint: kept.endpoint, keys: kept.keys },
      payload,
      {
        vapidDetails: { subject: parts.contact(), publicKey, privateKey: parts.key },
        TTL,
        urgency: 'high',
        topic: kept.topic,
        contentEncoding: 'aes128gcm',
      },
    );
    const answer = await parts.fetch(endpoint, {
      method: 'POST',
      headers: headers as Record<string, string>,
      body: new Uint8Array(body ?? Buffer.alloc(0)),
      signal: closing.signal,
    });
    await answer.body?.cancel();
    return { status: answer.status, ...retryAfter(answer.headers.get('retry-after'), parts.clock.now()) };
  }

  async function deliver(id: string, sealed: Sealed, txn: string): Promise<void> {
    const kept = read(id, sealed);
    // The list may have become shorter since the phone subscribed.
    if (!kept || !accepts(kept.endpoint)) return;
    // Every id has the same length, and so every message (protocol section 5.1): its size tells nothing.
    const payload = JSON.stringify({ t: 'pending', txn });
    const first = await post(kept, payload);
    const busy = first.status === 429 || first.status >= 500;
    if (busy) await pause(Math.min(first.again ?? SECOND_TRY.usual, SECOND_TRY.longest), closing.signal);
    const { status } = busy && !closing.signal.aborted ? await post(kept, payload) : first;
    if (status === 404 || status === 410) await devices.dropPush(id, sealed);
    else if (status < 200 || status > 299) log.warn({ device: id, status }, 'a push service refused a knock');
  }

  async function knock(userId: string, txn: string): Promise<void> {
    try {
      const phones = await devices.pushOf(userId);
      // An address is a secret: of what goes wrong only the kind is told.
      const told = (error: Error) =>
        log.warn({ reason: (error.cause as Error | undefined)?.name ?? error.name }, 'a knock could not be sent');
      await Promise.all(phones.map(({ id, subscription }) => deliver(id, subscription, txn).catch(told)));
    } catch (error) {
      log.warn({ err: error }, 'the phones to knock at could not be read');
    }
  }

  return {
    get publicKey() {
      return parts.enabled() ? publicKey : undefined;
    },
    accepts,
    seal: (id, { endpoint, keys }) =>
      vault.seal(Buffer.from(JSON.stringify({ endpoint, keys, topic: parts.random.id(16) })), pushAad(id)),
    knock(userId, txn) {
      if (!parts.enabled() || closing.signal.aborted || underWay.size >= UNDER_WAY) return;
      const work: Promise<void> = knock(userId, txn).finally(() => underWay.delete(work));
      underWay.add(work);
    },
    async close() {
      closing.abort();
      await Promise.all(underWay);
    },
  };
}

/** `Retry-After` in seconds or as a date (RFC 9110 section 10.2.3), as milliseconds from now. */
function retryAfter(header: string | null, now: number): { again?: number } {
  if (header === null) return {};
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? { again: Math.max(ms, 0) } : {};
}

/** Waits, or less where we are closed. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);
