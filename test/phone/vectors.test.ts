// The published vectors again, computed by the browser that phones run in: WebCrypto there gives what Node gives.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { build, type Rollup } from 'vite';
import { desktop } from '../support/browser.ts';
import { portOf } from '../support/house.ts';

const vectors = JSON.parse(readFileSync(new URL('../protocol/vectors.json', import.meta.url), 'utf8'));
const entry = fileURLToPath(new URL('./vectors-in-browser.ts', import.meta.url));

/** The shared code as one script for `page.evaluate`. */
async function bundled(): Promise<string> {
  const made = await build({
    configFile: false,
    logLevel: 'silent',
    build: { write: false, minify: false, lib: { entry, formats: ['iife'], name: 'vectorsInBrowser' } },
  });
  const [output] = Array.isArray(made) ? made : [made as Rollup.RollupOutput];
  const [chunk] = output?.output ?? [];
  if (chunk?.type !== 'chunk') throw new Error('nothing was bundled');
  return chunk.code;
}

describe('protocol vectors in a browser', () => {
  it('derives, hashes and counts as the page says', async function () {
    this.timeout(180_000);
    const server = createServer((_request, response) => response.end('<!doctype html><title>vectors</title>'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const context = await desktop();
    try {
      const page = await context.newPage();
      await page.goto(`http://localhost:${portOf(server)}/`);
      const script = `(async () => { ${await bundled()}; return vectorsInBrowser.compute(); })()`;
      expect(await page.evaluate(script)).to.deep.equal({
        stretched: vectors.pin.stretched,
        pinTag: vectors.pin.pin_tag,
        offlineKey: vectors.pin.k_off,
        wrongPinTag: vectors.pin.wrong_pin_tag,
        contextHash: vectors.full_context.ctx_hash,
        offlineCode: vectors.full_context.offline_code,
        frames: vectors.qr_frame.frames.map(({ mac }: { mac: string }) => mac),
        deviceId: vectors.device_id.device_id,
        rfc6287: vectors.rfc6287.map(({ code }: { code: string }) => code),
      });
    } finally {
      await context.close();
      server.close();
    }
  });
});
