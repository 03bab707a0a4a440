// Serves every sample page with its built style sheet, under the policy of the real pages, for a browser to look at.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Koa from 'koa';
import { ASSETS_PATH, loadAssets } from '../../interactions/assets.ts';
import { html } from '../../interactions/layout.tsx';
import { systemRandom } from '../../src/platform/random.ts';
import { fact } from '../../src/web/request.ts';
import { securityHeaders } from '../../src/web/security-headers.ts';
import { staticFiles } from '../../src/web/static.ts';
import { SAMPLES, sampleView } from '../interactions/all-samples.ts';

/** A running server of samples: `/sample/NAME?language=de`. */
export interface SampleServer {
  url: string;
  names: readonly string[];
  close(): Promise<void>;
}

/**
 * Builds the assets into a folder of their own (dist may be older than the source), and serves.
 * @param how.scripts false where the pages stand still: there is no sign-in behind a sample, and the scripts that ask how it goes
 *   would load the page again and again.
 */
export async function serveSamples(how: { scripts?: boolean } = {}): Promise<SampleServer> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-samples-'));
  const build = [
    'node_modules/vite/bin/vite.js',
    'build',
    '--config',
    'interactions/vite.config.ts',
    '--outDir',
    folder,
  ];
  execFileSync(process.execPath, [...build, '--emptyOutDir'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const assets = loadAssets(folder);
  const app = new Koa();
  app.use(securityHeaders({ issuer: 'http://localhost', random: systemRandom }));
  if (how.scripts === false) app.use((ctx, next) => (ctx.path.endsWith('.js') ? ctx.throw(404) : next()));
  app.use(staticFiles({ folder, prefix: ASSETS_PATH }));
  app.use(async (ctx) => {
    const sample = SAMPLES.find(({ name }) => ctx.path === `/sample/${name}`);
    const language = typeof ctx.query.language === 'string' ? ctx.query.language : 'en';
    if (!sample) return;
    ctx.type = 'text/html; charset=utf-8';
    ctx.body = html(sample.page(sampleView(language, { assets, nonce: fact(ctx, 'nonce'), here: ctx.path })));
  });
  const server = createServer(app.callback());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    names: SAMPLES.map((sample) => sample.name),
    close: async () => {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
