// Reads a request's body when a handler asks for it, and never more than it asks: oidc-provider's routes keep their raw stream.
import type { Context } from 'koa';
import { Refusal } from './errors.ts';

/** No form of ours needs more. */
const LIMIT = 16 * 1024;

async function readText(ctx: Context, limit: number): Promise<string> {
  const declared = Number(ctx.get('Content-Length') || 0);
  if (!(declared <= limit)) throw new Refusal('too_large');
  const encoding = ctx.get('Content-Encoding');
  if (encoding !== '' && encoding !== 'identity') throw new Refusal('unsupported_media');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of ctx.req) {
    size += chunk.length;
    if (size > limit) throw new Refusal('too_large');
    chunks.push(chunk);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new Refusal('malformed');
  }
}

/** A submitted form. */
export interface Form {
  /** The field's value, or the empty string; a field sent twice is refused when the form is read. */
  text(name: string): string;
  has(name: string): boolean;
}

/**
 * The form of a POST (`application/x-www-form-urlencoded`).
 * @param limit bytes.
 * @throws Refusal `too_large`, `unsupported_media`, or `malformed` (bad UTF-8, NUL, a field sent twice, more than 50 fields).
 */
export async function readForm(ctx: Context, limit = LIMIT): Promise<Form> {
  if (ctx.is('application/x-www-form-urlencoded') === false) throw new Refusal('unsupported_media');
  const fields = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(await readText(ctx, limit))) {
    if (fields.has(name) || fields.size >= 50 || value.includes('\0')) throw new Refusal('malformed');
    fields.set(name, value);
  }
  return { text: (name) => fields.get(name) ?? '', has: (name) => fields.has(name) };
}

/**
 * The JSON object of a request; only `application/json` is read, which no cross-site form can send.
 * @param limit bytes.
 * @throws Refusal `too_large`, `unsupported_media` or `malformed`.
 */
export async function readJson(ctx: Context, limit = LIMIT): Promise<{ readonly [name: string]: unknown }> {
  if (ctx.is('application/json') === false) throw new Refusal('unsupported_media');
  const text = await readText(ctx, limit);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Refusal('malformed');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Refusal('malformed');
  return value as { readonly [name: string]: unknown };
}
