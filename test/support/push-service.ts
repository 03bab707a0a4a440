// An honest push service on loopback (RFC 8030, 8291, 8292): it takes a message only as the standards say, and can decrypt what was meant for its own subscribers.
import { createDecipheriv, createECDH, createPublicKey, hkdfSync, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { compactVerify } from 'jose';

/** A message as it arrived and was understood. */
export interface PushMessage {
  headers: { ttl: number; urgency: string; topic: string };
  /** Claims of the sender's token (RFC 8292 section 2). */
  vapid: { aud: string; exp: number; sub: string };
  /** Bytes on the wire. */
  size: number;
  plaintext: string;
}

/** One browser's subscription. */
export interface Subscriber {
  subscription: { endpoint: string; keys: { p256dh: string; auth: string } };
  messages: PushMessage[];
  /** What the next messages are answered with instead of 201, in turn. */
  answers: { status: number; headers?: Record<string, string>; afterMs?: number }[];
  /** How many requests came, whatever became of them. */
  requests: number;
}

/** A running service. */
export interface PushService {
  /** `host:port`, as the operator writes it. */
  host: string;
  /** @param key the application server's public key, base64url: only its holder may send (RFC 8292 section 4). */
  subscribe(key: string): Subscriber;
  /** Why messages were refused. */
  refusals: string[];
  close(): Promise<void>;
}

interface Held extends Subscriber {
  key: string;
  ecdh: ReturnType<typeof createECDH>;
  auth: Buffer;
}

const bytesOf = (text: string) => Buffer.from(text, 'base64url');

/** Content encoding `aes128gcm` (RFC 8188) with the keys of Web Push (RFC 8291 section 3.4). */
function decrypt(body: Buffer, { ecdh, auth }: Held): string {
  const salt = body.subarray(0, 16);
  const recordSize = body.readUInt32BE(16);
  const sender = body.subarray(21, 21 + (body[20] ?? 0));
  const sealed = body.subarray(21 + sender.length);
  if (sealed.length > recordSize) throw new Error('more than one record');
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), ecdh.getPublicKey(), sender]);
  const ikm = Buffer.from(hkdfSync('sha256', ecdh.computeSecret(sender), auth, info, 32));
  const key = Buffer.from(hkdfSync('sha256', ikm, salt, Buffer.from('Content-Encoding: aes128gcm\0'), 16));
  const nonce = Buffer.from(hkdfSync('sha256', ikm, salt, Buffer.from('Content-Encoding: nonce\0'), 12));
  const decipher = createDecipheriv('aes-128-gcm', key, nonce).setAuthTag(sealed.subarray(-16));
  const padded = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
  const end = padded.lastIndexOf(2);
  if (end < 0) throw new Error('no end of the last record');
  return padded.subarray(0, end).toString();
}

/** The sender's token and key (RFC 8292 section 3): `vapid t=…, k=…`. */
async function readVapid(header: string | undefined, expected: string, origin: string): Promise<PushMessage['vapid']> {
  const [, token = '', key = ''] = /^vapid t=([^,\s]+),\s*k=([\w-]+)$/.exec(header ?? '') ?? [];
  if (key !== expected) throw new Error('not the key of the subscription');
  const point = bytesOf(key);
  const jwk = {
    kty: 'EC',
    crv: 'P-256',
    x: point.subarray(1, 33).toString('base64url'),
    y: point.subarray(33).toString('base64url'),
  };
  const { payload } = await compactVerify(token, createPublicKey({ key: jwk, format: 'jwk' }), {
    algorithms: ['ES256'],
  });
  const claims = JSON.parse(Buffer.from(payload).toString()) as PushMessage['vapid'];
  const now = Date.now() / 1000;
  if (claims.aud !== origin) throw new Error(`audience ${claims.aud}`);
  if (!(claims.exp > now && claims.exp <= now + 86_400)) throw new Error(`expires at ${claims.exp}`);
  if (!/^(mailto:|https:)/.test(claims.sub)) throw new Error(`subject ${claims.sub}`);
  return claims;
}

function readHeaders(request: IncomingMessage): PushMessage['headers'] {
  const { ttl, urgency, topic } = request.headers;
  if (!/^\d+$/.test(String(ttl))) throw new Error('no TTL (RFC 8030 section 5.2)');
  if (!/^(very-low|low|normal|high)$/.test(String(urgency))) throw new Error('urgency (RFC 8030 section 5.3)');
  if (!/^[\w-]{1,32}$/.test(String(topic))) throw new Error('topic (RFC 8030 section 5.4)');
  if (request.headers['content-encoding'] !== 'aes128gcm') throw new Error('content encoding');
  return { ttl: Number(ttl), urgency: String(urgency), topic: String(topic) };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** Starts one on a free port. */
export async function startPushService(): Promise<PushService> {
  const held = new Map<string, Held>();
  const refusals: string[] = [];
  const server = createServer((request, response) => void take(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `localhost:${(server.address() as AddressInfo).port}`;
  const origin = `http://${host}`;

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const subscriber = held.get(request.url ?? '');
    const body = await readBody(request);
    const answer = (status: number, headers: Record<string, string> = {}) => response.writeHead(status, headers).end();
    if (request.method !== 'POST' || !subscriber) return void answer(404);
    subscriber.requests += 1;
    const instead = subscriber.answers.shift();
    if (instead?.afterMs) await new Promise((resolve) => setTimeout(resolve, instead.afterMs));
    if (instead) return void answer(instead.status, instead.headers);
    try {
      const headers = readHeaders(request);
      const vapid = await readVapid(request.headers.authorization, subscriber.key, origin);
      subscriber.messages.push({ headers, vapid, size: body.length, plaintext: decrypt(body, subscriber) });
      answer(201, { location: `${origin}/message/${randomBytes(8).toString('hex')}`, ttl: String(headers.ttl) });
    } catch (error) {
      refusals.push((error as Error).message);
      answer(400);
    }
  }

  return {
    host,
    refusals,
    subscribe(key) {
      const ecdh = createECDH('prime256v1');
      const auth = randomBytes(16);
      const path = `/push/${randomBytes(12).toString('base64url')}`;
      const subscription = {
        endpoint: `${origin}${path}`,
        keys: { p256dh: ecdh.generateKeys('base64url'), auth: auth.toString('base64url') },
      };
      const subscriber: Held = { subscription, messages: [], answers: [], requests: 0, key, ecdh, auth };
      held.set(path, subscriber);
      return subscriber;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
