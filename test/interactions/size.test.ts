// What the first paint of a page needs, compressed as it is sent: 30 KB at most (a bound of size; speed is measured elsewhere).
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { type SampleServer, serveSamples } from '../support/sample-server.ts';

const BOUND = 30 * 1024;

/** Bytes of a page, its style sheet and its scripts with what they import; gzip is counted, brotli is smaller still. */
async function firstPaint(base: string, name: string): Promise<{ bytes: number; files: number }> {
  const page = await (await fetch(`${base}/sample/${name}`)).text();
  const found = [...page.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, path]) => path ?? '');
  const seen = new Set<string>();
  let bytes = gzipSync(page).length;
  for (let path = found.pop(); path !== undefined; path = found.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const text = await (await fetch(base + path)).text();
    bytes += gzipSync(text, { level: 9 }).length;
    found.push(...[...text.matchAll(/["']\.\/([\w-]+\.js)["']/g)].map(([, file]) => `/assets/${file}`));
  }
  return { bytes, files: seen.size };
}

describe('the size of a page', function () {
  this.timeout(180_000);
  let samples: SampleServer;
  before(async () => {
    samples = await serveSamples();
  });
  after(() => samples.close());

  it('is at most 30 KB for each of them', async () => {
    const sizes: [string, number][] = [];
    for (const name of samples.names) sizes.push([name, (await firstPaint(samples.url, name)).bytes]);
    const heavy = sizes.filter(([, bytes]) => bytes > BOUND).map(([name, bytes]) => `${name}: ${bytes}`);
    expect(heavy).to.deep.equal([]);
  });

  it('counts style sheet, script and what the script imports', async () => {
    const [login, approve] = [await firstPaint(samples.url, 'login'), await firstPaint(samples.url, 'approve-number')];
    expect(login.files).to.be.greaterThanOrEqual(3);
    expect(approve.bytes).to.be.greaterThan(login.bytes);
    // Far under the bound, so that one careless import is seen.
    expect(login.bytes).to.be.lessThan(8 * 1024);
    expect(approve.bytes).to.be.lessThan(20 * 1024);
  });
});
