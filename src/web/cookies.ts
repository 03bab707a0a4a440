// Our own cookies: names and flags follow the issuer, so that a browser never drops one and never takes one from a neighbour.
import type { Context } from 'koa';

/** `bind`: this browser (protocol section 5). `account`: the account page's session. `known`: a known browser. `language`: the picker's choice. */
export type OwnCookie = 'bind' | 'account' | 'known' | 'language';

const BASE: { readonly [cookie in OwnCookie]: string } = {
  bind: 'txb',
  account: 'account',
  known: 'known',
  language: 'language',
};

/** Our cookies under one issuer. */
export interface Cookies {
  name(cookie: OwnCookie): string;
  read(ctx: Context, cookie: OwnCookie): string | undefined;
  /** @param value base64url, or a language tag. @param maxAge seconds; without it the cookie ends with the browser's session. */
  write(ctx: Context, cookie: OwnCookie, value: string, maxAge?: number): void;
  clear(ctx: Context, cookie: OwnCookie): void;
}

/**
 * The name of a cookie: over https `__Host-` (path `/`, no Domain: no subdomain can plant it) or, where it has a path of its own, `__Secure-`;
 * over http, which only a loopback issuer may use, the plain name, since Chromium drops Secure cookies there.
 */
export function cookieName(issuer: string, base: string, prefix: '__Host-' | '__Secure-' = '__Host-'): string {
  return isSecure(issuer) ? `${prefix}${base}` : base;
}

/** Whether cookies of this issuer carry Secure. */
export function isSecure(issuer: string): boolean {
  return new URL(issuer).protocol === 'https:';
}

/** The cookies that are ours (oidc-provider keeps its own). */
export function ownCookies(issuer: string): Cookies {
  const flags = `; Path=/; HttpOnly; SameSite=Lax${isSecure(issuer) ? '; Secure' : ''}`;
  const name = (cookie: OwnCookie) => cookieName(issuer, BASE[cookie]);
  return {
    name,
    read: (ctx, cookie) => readCookie(ctx.get('Cookie'), name(cookie)),
    write: (ctx, cookie, value, maxAge) => {
      if (!/^[\w.~-]{1,1024}$/.test(value)) throw new TypeError('a cookie value is base64url or a language tag');
      ctx.append('Set-Cookie', `${name(cookie)}=${value}${maxAge === undefined ? '' : `; Max-Age=${maxAge}`}${flags}`);
    },
    clear: (ctx, cookie) => ctx.append('Set-Cookie', `${name(cookie)}=; Max-Age=0${flags}`),
  };
}

/** The first cookie of this name, if its value is one that we could have written. */
function readCookie(header: string, name: string): string | undefined {
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) {
      const value = pair.slice(at + 1).trim();
      return /^[\w.~-]{1,1024}$/.test(value) ? value : undefined;
    }
  }
  return undefined;
}
