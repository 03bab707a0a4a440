// The app as something installed, in real Chromium: its size, its manifest, its start without a network, and a new version that loses nothing.
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { builtFolder } from '../../src/app/assemble.ts';
import { listenTo, phone, type TestPhone } from '../support/browser.ts';
import { type RunningHouse, startHouse } from '../support/house.ts';
import { enrolled, needsBuiltApp } from './with-app.ts';

const FIRST_LOAD = 120 * 1024;
const TYPES: Record<string, string> = {
  '.js': 'text/javascript',
  '.html': 'text/html',
  '.json': 'application/json',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
};

describe('the installed phone app', function () {
  this.timeout(180_000);
  const built = () => join(builtFolder(), 'phone');
  const compressed = (name: string) => gzipSync(readFileSync(join(built(), name))).length;
  before(needsBuiltApp);

  it('has a manifest whose pictures are there and as large as it says', () => {
    const manifest = JSON.parse(readFileSync(join(built(), 'manifest.webmanifest'), 'utf8'));
    expect(manifest).to.include({
      id: '/phone/',
      scope: '/phone/',
      start_url: '/phone/',
      lang: 'en',
      display: 'standalone',
    });
    expect(manifest.categories).to.include('security');
    expect(manifest.icons.map(({ purpose }: { purpose: string }) => purpose)).to.include('maskable');
    expect(manifest.shortcuts.map(({ url }: { url: string }) => url)).to.deep.equal([
      '/phone/?do=scan',
      '/phone/?do=requests',
    ]);
    expect(manifest.screenshots.map(({ form_factor }: { form_factor: string }) => form_factor)).to.include.members([
      'narrow',
      'wide',
    ]);
    const pictures = [
      ...manifest.icons,
      ...manifest.screenshots,
      ...manifest.shortcuts.flatMap(({ icons }: { icons: object[] }) => icons),
    ];
    for (const { src, sizes, type } of pictures as { src: string; sizes: string; type: string }[]) {
      const file = join(built(), src.replace('/phone/', ''));
      expect(existsSync(file), src).to.equal(true);
      if (type !== 'image/png') continue;
      const png = readFileSync(file);
      expect(`${png.readUInt32BE(16)}x${png.readUInt32BE(20)}`, src).to.equal(sizes);
    }
  });

  describe('in a browser', () => {
    let running: RunningHouse;
    let one: TestPhone;
    let folder: string;
    /** Files of the app that were asked for, the worker's own among them. */
    let asked: string[] = [];
    before(async () => {
      // A copy of the built app, of which the test can make another version on the same origin.
      folder = mkdtempSync(join(tmpdir(), 'countersign-app-'));
      cpSync(built(), folder, { recursive: true });
      running = await startHouse({
        before({ url = '/', method }, response) {
          const { pathname } = new URL(url, 'http://localhost');
          if (pathname.startsWith('/phone/')) asked.push(pathname.slice('/phone/'.length) || 'index.html');
          const file = join(folder, pathname.slice('/phone/'.length));
          // Languages too: the browser's own cache, which may forget them, must not be what keeps them.
          const changed = ['.js', '.html', '.json'].includes(extname(pathname));
          if (method !== 'GET' || !pathname.startsWith('/phone/') || !changed || !existsSync(file)) return false;
          response.writeHead(200, {
            'Content-Type': TYPES[extname(file)] ?? 'text/plain',
            'Cache-Control': 'no-cache',
          });
          response.end(readFileSync(file));
          return true;
        },
      });
      one = await phone({ browser: 'whole' });
      one.context.setDefaultTimeout(45_000);
    });
    after(async () => {
      await one?.close();
      await running?.close();
      rmSync(folder, { recursive: true, force: true });
    });

    /** Waits until the app can do without a network. */
    const settled = async (page: Page) => {
      await page.evaluate('navigator.serviceWorker.ready.then(() => undefined)');
      await page.locator('h1').waitFor();
    };

    it('is at most 120 KB on its first load, one language of them, without the reader of QR codes', async () => {
      const largest = readdirSync(join(built(), 'assets'))
        .filter((name) => name.endsWith('.json'))
        .map((name) => ({ name, bytes: compressed(join('assets', name)) }))
        .sort((one, other) => other.bytes - one.bytes)[0];
      if (!largest) throw new Error('no languages');
      const locale = largest.name.split('-')[0] ?? '';
      const abroad = await phone({ browser: 'whole', context: { locale } });
      try {
        asked = [];
        const page = await abroad.context.newPage();
        await page.goto(`${running.issuer}/phone/`);
        await settled(page);
        expect(await page.evaluate('document.documentElement.lang')).to.equal(locale);
        const files = [...new Set(asked)].filter((name) => !/^assets\/(reader|zxing_reader)-/.test(name));
        expect(files.filter((name) => name.endsWith('.json'))).to.deep.equal([`assets/${largest.name}`]);
        expect(files.filter((name) => /^assets\/index-.*\.js$/.test(name))).to.have.length(1);
        const bytes = files.reduce((sum, name) => sum + compressed(name), 0);
        console.log(`      first load: ${Math.round(bytes / 1024)} KB of ${files.length} files`);
        expect(bytes).to.be.below(FIRST_LOAD);
      } finally {
        await abroad.close();
      }
    });

    it('speaks its language without a network too, of an earlier version where there is no newer', async () => {
      const abroad = await phone({ browser: 'whole', context: { locale: 'fr-BE' } });
      try {
        const page = await abroad.context.newPage();
        await page.goto(`${running.issuer}/phone/`);
        await settled(page);
        const french = (await page.locator('h1').innerText()).trim();
        await abroad.context.setOffline(true);
        await page.reload();
        expect((await page.locator('h1').innerText()).trim()).to.equal(french);
        expect(await page.evaluate('document.documentElement.lang')).to.equal('fr');

        // What the version before this one had kept.
        await page.evaluate(`(async () => {
          const kept = await caches.open('countersign-language-v1');
          const [{ url }] = await kept.keys();
          const words = await (await kept.match(url)).text();
          await kept.delete(url);
          await kept.put('/phone/assets/fr-older.json', new Response(words));
        })()`);
        await page.reload();
        expect((await page.locator('h1').innerText()).trim()).to.equal(french);
        await abroad.context.setOffline(false);
        await page.reload();
        await page.locator('h1').waitFor();
        const kept = (await page.evaluate(
          `caches.open('countersign-language-v1').then((kept) => kept.keys()).then((all) => all.map(({ url }) => url))`,
        )) as string[];
        expect(kept).to.have.length(1);
        expect(kept[0]).to.match(/\/assets\/fr-(?!older)/);
      } finally {
        await abroad.close();
      }
    });

    it('asks before a new version takes over, and keeps the account', async () => {
      const complaints = listenTo(one.context, [running.issuer]);
      const { page, login } = await enrolled(running, one);
      await page.evaluate('navigator.serviceWorker.ready.then(() => undefined)');
      await page.reload();
      await page.locator('.connection-live').waitFor();
      expect(await page.getByText('A new version is ready.').count()).to.equal(0);

      const worker = join(folder, 'service-worker.js');
      const script = readdirSync(join(folder, 'assets')).find((name) => /^index-.*\.js$/.test(name)) ?? '';
      const next = script.replace('index-', 'index-next-');
      writeFileSync(
        join(folder, 'assets', next),
        `${readFileSync(join(folder, 'assets', script), 'utf8')}\ndocument.documentElement.dataset.version='next';`,
      );
      const index = readFileSync(join(folder, 'index.html'), 'utf8').replaceAll(script, next);
      writeFileSync(join(folder, 'index.html'), index);
      const text = readFileSync(worker, 'utf8');
      expect(text).to.contain(script);
      const revised = text
        .replaceAll(script, next)
        .replace(/("?url"?:\s*"index\.html",\s*"?revision"?:\s*|"?revision"?:\s*)"[0-9a-f]{32}"/g, (all) =>
          all.replace(/[0-9a-f]{32}/, '0'.repeat(32)),
        );
      writeFileSync(worker, revised);
      // The app comes to the front again, as after a day in a pocket.
      await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
      await page.getByText('A new version is ready.').waitFor();
      expect(await page.evaluate('document.documentElement.dataset.version')).to.equal(undefined);
      await Promise.all([page.waitForEvent('load'), page.getByRole('button', { name: 'Restart with it' }).click()]);
      await page.locator('.connection-live').waitFor();
      expect(await page.evaluate('document.documentElement.dataset.version')).to.equal('next');
      await page.locator('.account').filter({ hasText: login }).waitFor();
      expect(complaints).to.deep.equal({ errors: [], foreign: [] });
    });

    it('starts without a network', async () => {
      const [page] = one.context.pages();
      if (!page) throw new Error('no page');
      await one.context.setOffline(true);
      const began = performance.now();
      await page.reload({ waitUntil: 'commit' });
      await page.getByRole('heading', { name: 'Requests', exact: true }).waitFor();
      console.log(`      start without a network: ${Math.round(performance.now() - began)} ms`);
      await page.getByText('No connection').waitFor();
      await one.context.setOffline(false);
      await page.locator('.connection-live').waitFor();
    });
  });
});
