// Takes a picture of every sample page, for somebody to look at: npx tsx scripts/pictures.ts FOLDER [name-begins-with] [language]
import { mkdirSync } from 'node:fs';
import { desktop, sharedBrowser } from '../test/support/browser.ts';
import { serveSamples } from '../test/support/sample-server.ts';

const [folder = 'test-results', begin = '', language = 'en'] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const samples = await serveSamples();
const context = await desktop({ javaScriptEnabled: false });
const page = await context.newPage();
for (const name of samples.names.filter((sample) => sample.startsWith(begin))) {
  await page.goto(`${samples.url}/sample/${name}?language=${language}`);
  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of [360, 1280]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
      await page.screenshot({ path: `${folder}/${name}-${colorScheme}-${width}.png`, fullPage: true });
    }
}
await context.close();
await (await sharedBrowser()).close();
await samples.close();
