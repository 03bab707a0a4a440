// The headers of every answer: pages, refusals, errors, files and the phone app, with the policies to the letter.
import { expect } from 'chai';
import { Refusal } from '../../src/web/errors.ts';
import { fact } from '../../src/web/request.ts';
import { keepFormsHere } from '../../src/web/security-headers.ts';
import { type Serving, serving } from './serving.ts';

const page = (nonce: string) =>
  `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'`;
const PHONE =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";

describe('security headers', () => {
  let server: Serving;
  before(async () => {
    server = await serving([
      async (ctx, next) => {
        if (ctx.path === '/page' || ctx.path === '/phone/') ctx.body = fact(ctx, 'nonce');
        else if (ctx.path === '/forms') {
          keepFormsHere(ctx);
          ctx.body = fact(ctx, 'nonce');
        } else if (ctx.path === '/refused') throw new Refusal('cross_site');
        else if (ctx.path === '/broken') throw new Error('inside');
        else await next();
      },
    ]);
  });
  after(() => server.close());

  for (const path of ['/page', '/refused', '/broken', '/nothing', '/phone/'])
    it(`stand on the answer of ${path}`, async () => {
      const { headers } = await fetch(server.url + path);
      expect(headers.get('x-content-type-options')).to.equal('nosniff');
      expect(headers.get('referrer-policy')).to.equal('no-referrer');
      expect(headers.get('cross-origin-opener-policy')).to.equal('same-origin');
      expect(headers.get('cross-origin-resource-policy')).to.equal('same-origin');
      expect(headers.get('cache-control')).to.equal('no-store');
      expect(headers.get('content-security-policy')).to.match(/^default-src 'none'/);
      expect(headers.get('x-request-id')).to.match(/^[\w-]{12}$/);
      expect(headers.get('x-powered-by')).to.equal(null);
    });

  it('hold the exact policy of a page, with a nonce of its own each time', async () => {
    const [first, second] = [await fetch(`${server.url}/page`), await fetch(`${server.url}/page`)];
    const [a, b] = [await first.text(), await second.text()];
    expect(first.headers.get('content-security-policy')).to.equal(page(a));
    expect(second.headers.get('content-security-policy')).to.equal(page(b));
    expect(a).to.match(/^[\w-]{22}$/);
    expect(a).to.not.equal(b);
  });

  it('keep the forms of pages that lead to no service', async () => {
    const answer = await fetch(`${server.url}/forms`);
    expect(answer.headers.get('content-security-policy')).to.equal(`${page(await answer.text())}; form-action 'self'`);
  });

  it('give the camera to the phone app alone', async () => {
    const [sign, phone] = [await fetch(`${server.url}/page`), await fetch(`${server.url}/phone/`)];
    expect(phone.headers.get('content-security-policy')).to.equal(PHONE);
    expect(phone.headers.get('permissions-policy')).to.include('camera=(self)');
    expect(sign.headers.get('permissions-policy')).to.include('camera=()');
    expect(sign.headers.get('permissions-policy')).to.include('geolocation=()');
  });

  it('send HSTS under https only', async () => {
    expect((await fetch(`${server.url}/page`)).headers.get('strict-transport-security')).to.equal(null);
    const secure = await serving(
      [
        async (ctx) => {
          ctx.body = 'x';
        },
      ],
      { issuer: 'https://id.example' },
    );
    try {
      const { headers } = await fetch(`${secure.url}/page`);
      expect(headers.get('strict-transport-security')).to.equal('max-age=63072000');
    } finally {
      await secure.close();
    }
  });
});
