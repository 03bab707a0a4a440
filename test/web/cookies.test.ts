// Our cookies: their names and flags follow the issuer, and a value that we could not have written is none.
import { expect } from 'chai';
import { cookieName, isSecure, type OwnCookie, ownCookies } from '../../src/web/cookies.ts';
import { serving } from './serving.ts';

async function written(issuer: string, value: string, maxAge?: number): Promise<{ status: number; cookies: string[] }> {
  const cookies = ownCookies(issuer);
  const server = await serving([
    async (ctx) => {
      cookies.write(ctx, 'bind', value, maxAge);
      cookies.clear(ctx, 'known');
      ctx.body = 'x';
    },
  ]);
  try {
    const answer = await fetch(server.url);
    return { status: answer.status, cookies: answer.headers.getSetCookie() };
  } finally {
    await server.close();
  }
}

async function seen(issuer: string, header: string, cookie: OwnCookie = 'bind'): Promise<string> {
  const server = await serving([
    async (ctx) => {
      ctx.body = JSON.stringify(ownCookies(issuer).read(ctx, cookie) ?? null);
    },
  ]);
  try {
    return await (await fetch(server.url, { headers: { cookie: header } })).text();
  } finally {
    await server.close();
  }
}

describe('cookies', () => {
  it('are locked to the host under https', async () => {
    const { cookies } = await written('https://id.example', 'abc', 60);
    expect(cookies).to.deep.equal([
      '__Host-txb=abc; Max-Age=60; Path=/; HttpOnly; SameSite=Lax; Secure',
      '__Host-known=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure',
    ]);
  });

  it('have plain names on loopback, where browsers drop Secure ones', async () => {
    const { cookies } = await written('http://localhost:3000', 'abc');
    expect(cookies[0]).to.equal('txb=abc; Path=/; HttpOnly; SameSite=Lax');
  });

  it('are named by the issuer', () => {
    expect(cookieName('https://id.example', 'session', '__Secure-')).to.equal('__Secure-session');
    expect(cookieName('http://localhost', 'session', '__Secure-')).to.equal('session');
    expect([isSecure('https://id.example'), isSecure('http://localhost')]).to.deep.equal([true, false]);
  });

  it('never carry a value that could end them early', async () => {
    for (const value of ['a;b', 'a b', 'a\r\nSet-Cookie: x=y', '', 'é'])
      expect((await written('https://id.example', value)).status, JSON.stringify(value)).to.equal(500);
  });

  it('are read by their whole name', async () => {
    expect(await seen('https://id.example', 'txb=planted; __Host-txb=ours')).to.equal('"ours"');
    expect(await seen('https://id.example', 'txb=planted; x__Host-txb=planted')).to.equal('null');
    expect(await seen('http://localhost', 'a=b;txb=ours')).to.equal('"ours"');
    expect(await seen('http://localhost', 'txb="quoted"')).to.equal('null');
    expect(await seen('http://localhost', `txb=${'x'.repeat(1025)}`)).to.equal('null');
  });
});
