// Files that were built: read once at the start, sent compressed, found by exact name only, so no path can lead out of their folder.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { Context, Middleware } from 'koa';
import { fingerprint } from '../platform/hashes.ts';

const TYPES: { readonly [extension: string]: string } = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  ico: 'image/x-icon',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json; charset=utf-8',
  mjs: 'text/javascript; charset=utf-8',
  png: 'image/png',
  svg: 'image/svg+xml; charset=utf-8',
  txt: 'text/plain; charset=utf-8',
  wasm: 'application/wasm',
  webmanifest: 'application/manifest+json; charset=utf-8',
  woff2: 'font/woff2',
};
const COMPRESSED = new Set(['css', 'html', 'js', 'json', 'mjs', 'svg', 'txt', 'wasm', 'webmanifest']);

const brotli = promisify(brotliCompress);
const zip = promisify(gzip);

interface Asset {
  type: string;
  plain: Buffer;
  tag: string;
  /** Made at the first request that accepts it, and kept. */
  packed: Map<'br' | 'gzip', Promise<Buffer>>;
  compresses: boolean;
}

function load(folder: string): Map<string, Asset> {
  const files = new Map<string, Asset>();
  if (!existsSync(folder)) return files;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const extension = entry.name.split('.').at(-1) ?? '';
    const type = TYPES[extension];
    if (!entry.isFile() || type === undefined || entry.name.startsWith('.')) continue;
    const path = join(entry.parentPath, entry.name);
    const plain = readFileSync(path);
    const name = path.slice(folder.length).replaceAll('\\', '/').replace(/^\//, '');
    files.set(name, {
      type,
      plain,
      tag: `"${fingerprint(plain).slice(0, 22)}"`,
      packed: new Map(),
      compresses: COMPRESSED.has(extension),
    });
  }
  return files;
}

function pack(asset: Asset, encoding: 'br' | 'gzip'): Promise<Buffer> {
  const made =
    asset.packed.get(encoding) ??
    (encoding === 'br'
      ? brotli(asset.plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } })
      : zip(asset.plain, { level: 9 }));
  asset.packed.set(encoding, made);
  return made;
}

async function send(ctx: Context, asset: Asset, cacheControl: string): Promise<void> {
  ctx.set('Cache-Control', cacheControl);
  ctx.set('ETag', asset.tag);
  ctx.vary('Accept-Encoding');
  ctx.status = 200;
  if (ctx.fresh) {
    ctx.status = 304;
    return;
  }
  const encoding = asset.compresses ? ctx.acceptsEncodings('br', 'gzip', 'identity') : 'identity';
  if (encoding === 'br' || encoding === 'gzip') {
    ctx.set('Content-Encoding', encoding);
    ctx.body = await pack(asset, encoding);
  } else {
    ctx.body = asset.plain;
  }
  ctx.type = asset.type;
}

/** A name that carries a hash of its content: it can be kept for ever. */
const HASHED = /[.-][\w-]{8,}\.\w+$/;

/**
 * Serves the files of a folder under a prefix.
 * @param options.prefix begins and ends with a slash.
 * @param options.index the file that answers the prefix itself.
 * @param options.immutable which names never change; by default those that carry a hash.
 */
export function staticFiles(options: {
  folder: string;
  prefix: string;
  index?: string;
  immutable?: (name: string) => boolean;
}): Middleware {
  const files = load(options.folder);
  const immutable = options.immutable ?? ((name: string) => HASHED.test(name));
  return (ctx, next) => {
    if ((ctx.method !== 'GET' && ctx.method !== 'HEAD') || !ctx.path.startsWith(options.prefix)) return next();
    const name = ctx.path.slice(options.prefix.length) || (options.index ?? '');
    const asset = files.get(name);
    if (!asset) return next();
    return send(ctx, asset, immutable(name) ? 'public, max-age=31536000, immutable' : 'no-cache');
  };
}
