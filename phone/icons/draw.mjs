// Draws the PNG icons from their SVG sources with a Chromium that is already there: `node phone/icons/draw.mjs [path of chromium]`.
import { readFile, writeFile } from 'node:fs/promises';
import { chromium } from 'playwright-core';

const here = new URL('.', import.meta.url);
const out = new URL('../public/icons/', here);
const drawings = [
  ['../public/icons/icon.svg', 'icon-192.png', 192],
  ['../public/icons/icon.svg', 'icon-512.png', 512],
  ['maskable.svg', 'maskable-512.png', 512],
  ['maskable.svg', 'apple-touch-icon.png', 180],
  ['shortcut-scan.svg', 'shortcut-scan.png', 96],
  ['shortcut-requests.svg', 'shortcut-requests.png', 96],
];

const browser = await chromium.launch({
  executablePath: process.argv[2] ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
for (const [source, name, size] of drawings) {
  const svg = (await readFile(new URL(source, here), 'utf8')).replace(
    '<svg ',
    `<svg width="${size}" height="${size}" `,
  );
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  await page.setContent(`<style>*{margin:0}svg{display:block}</style>${svg}`);
  await writeFile(new URL(name, out), await page.screenshot({ omitBackground: true }));
  await page.close();
}
await browser.close();
