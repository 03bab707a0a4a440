// Takes the pictures of the app that its manifest shows before it is installed: npx tsx scripts/phone-pictures.ts
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ask, enrolled } from '../test/phone/with-app.ts';
import { phone, sharedBrowser } from '../test/support/browser.ts';
import { startHouse } from '../test/support/house.ts';

const folder = fileURLToPath(new URL('../phone/public/screenshots', import.meta.url));
mkdirSync(folder, { recursive: true });
const running = await startHouse();
const one = await phone();
const { page, id } = await enrolled(running, one);
await ask(running, id, 'a picture', 'push');
await page.locator('.request').waitFor();
await page.evaluate('document.activeElement?.blur()');
for (const [name, width, height] of [
  ['narrow', 390, 844],
  ['wide', 1280, 800],
] as const) {
  await page.setViewportSize({ width, height });
  await page.screenshot({ path: `${folder}/requests-${name}.png` });
}
await page.setViewportSize({ width: 390, height: 844 });
await page.locator('.request').click();
await page.getByRole('button', { name: 'It was not me' }).waitFor();
await page.screenshot({ path: `${folder}/request-narrow.png` });
await one.close();
await running.close();
await (await sharedBrowser()).close();
