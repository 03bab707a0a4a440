// Built files: found by exact name only, compressed where the browser takes it, kept for ever where the name carries a hash.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { staticFiles } from '../../src/web/static.ts';
import { type Serving, serving } from './serving.ts';

/** A request whose path nobody tidies up before it is sent. */
function raw(base: string, path: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(base);
    const sent = request({ hostname, port, path }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => {
        text += chunk;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    sent.on('error', reject);
    sent.end();
  });
}

describe('static files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-static-'));
  let server: Serving;
  before(async () => {
    mkdirSync(join(folder, 'files', 'deep'), { recursive: true });
    writeFileSync(join(folder, 'secret.txt'), 'SECRET');
    writeFileSync(join(folder, 'files', 'index.html'), '<p>index</p>');
    writeFileSync(join(folder, 'files', 'app-1a2b3c4d.js'), `/*${'x'.repeat(5000)}*/`);
    writeFileSync(join(folder, 'files', 'deep', 'style.css'), 'a{}');
    writeFileSync(join(folder, 'files', '.hidden.txt'), 'SECRET');
    writeFileSync(join(folder, 'files', 'key.pem'), 'SECRET');
    server = await serving([staticFiles({ folder: join(folder, 'files'), prefix: '/f/', index: 'index.html' })]);
  });
  after(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const paths = [
    '/f/../secret.txt',
    '/f/..%2fsecret.txt',
    '/f/%2e%2e/secret.txt',
    '/f/%2e%2e%2fsecret.txt',
    '/f/..\\secret.txt',
    '/f//../../secret.txt',
    '/f/deep/../../secret.txt',
    '/f/secret.txt%00.css',
    '/f/.hidden.txt',
    '/f/key.pem',
    '/f/deep',
    '/f/deep/',
    '/f/constructor',
    '/f/__proto__',
    '/f/%c0%ae%c0%ae/secret.txt',
    '//f/index.html',
  ];
  for (const path of paths)
    it(`gives nothing for ${path}`, async () => {
      const answer = await raw(server.url, path);
      expect(answer.status).to.be.oneOf([400, 404]);
      expect(answer.text).to.not.include('SECRET');
    });

  it('serves the index, and files in folders, with their types', async () => {
    const index = await fetch(`${server.url}/f/`);
    expect([index.status, index.headers.get('content-type'), await index.text()]).to.deep.equal([
      200,
      'text/html; charset=utf-8',
      '<p>index</p>',
    ]);
    expect((await fetch(`${server.url}/f/deep/style.css`)).headers.get('content-type')).to.equal(
      'text/css; charset=utf-8',
    );
  });

  it('lets a hashed name be kept for ever and asks again for others', async () => {
    const hashed = await fetch(`${server.url}/f/app-1a2b3c4d.js`);
    expect(hashed.headers.get('cache-control')).to.equal('public, max-age=31536000, immutable');
    expect((await fetch(`${server.url}/f/index.html`)).headers.get('cache-control')).to.equal('no-cache');
  });

  it('compresses as the browser wishes', async () => {
    for (const encoding of ['br', 'gzip']) {
      const answer = await fetch(`${server.url}/f/app-1a2b3c4d.js`, { headers: { 'accept-encoding': encoding } });
      expect(answer.headers.get('content-encoding')).to.equal(encoding);
      expect(Number(answer.headers.get('content-length'))).to.be.lessThan(200);
      expect((await answer.text()).length).to.equal(5004);
    }
    const plain = await fetch(`${server.url}/f/app-1a2b3c4d.js`, { headers: { 'accept-encoding': 'identity' } });
    expect(plain.headers.get('content-encoding')).to.equal(null);
    expect(plain.headers.get('vary')).to.equal('Accept-Encoding');
  });

  it('answers 304 to a browser that has the file', async () => {
    const first = await fetch(`${server.url}/f/deep/style.css`);
    const again = await fetch(`${server.url}/f/deep/style.css`, {
      headers: { 'if-none-match': first.headers.get('etag') ?? '', 'cache-control': 'max-age=0' },
    });
    expect(again.status).to.equal(304);
  });

  it('serves nothing to a POST', async () => {
    expect((await fetch(`${server.url}/f/index.html`, { method: 'POST' })).status).to.equal(404);
  });
});
