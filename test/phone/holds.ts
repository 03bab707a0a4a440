// What every screen of the app has to hold: 320 px, 400 % zoom, text spacing, light and dark, and the person's own colours.
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { accessibilityFaults } from '../support/browser.ts';

/** WCAG 2.2, 1.4.12. */
const SPACING =
  '* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important } p { margin-bottom: 2em !important }';

/** What is cut off at the side, or too small to be hit (WCAG 2.2, 1.4.10 and 2.5.8). */
const LOST = `[...document.querySelectorAll('body *')].flatMap((element) => {
  const box = element.getBoundingClientRect();
  // What is folded away keeps the measures of the last width.
  if (box.width === 0 || !element.checkVisibility() || element.closest('.visually-hidden') || element.closest('svg')) return [];
  const small = element.matches('button, select, input, summary') && (box.width < 24 || box.height < 24);
  const outside = box.right > document.documentElement.clientWidth + 1 || box.left < -1;
  const cut = element.scrollWidth > element.clientWidth + 1 && element.matches('p, h1, h2, button, dd, dt, span') && element.clientWidth > 0;
  return small || outside || cut ? [element.tagName + '.' + element.className + ' ' + element.textContent.slice(0, 30)] : [];
})`;

/** In forced colours the browser lays the ground's colour behind all words, but for those that ask it not to: words of that colour are lost. */
const UNREADABLE = `(() => {
  const probe = document.body.appendChild(document.createElement('i'));
  probe.style.color = 'Canvas';
  const ground = getComputedStyle(probe).color;
  probe.remove();
  return [...document.querySelectorAll('body *')].flatMap((element) => {
    const { color, forcedColorAdjust } = getComputedStyle(element);
    const says = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== '');
    return says && forcedColorAdjust === 'auto' && color === ground ? [element.tagName + ' ' + element.textContent] : [];
  });
})()`;

/** Does something at 400 % zoom: the window is as large as before afterwards. */
async function atZoom<T>(page: Page, work: () => Promise<T>): Promise<T> {
  const before = page.viewportSize() ?? { width: 390, height: 844 };
  await page.setViewportSize({ width: 320, height: 256 });
  try {
    return await work();
  } finally {
    await page.setViewportSize(before);
  }
}

const pictureAtZoom = (page: Page, name: string) =>
  atZoom(page, () => page.screenshot({ path: `test-results/narrow-${name}.png`, fullPage: true }));

/** What is lost at 400 % zoom with wider text; empty is right. */
export const lostAtZoom = (page: Page): Promise<string[]> =>
  atZoom(page, async () => {
    const sheet = await page.evaluateHandle(
      `(() => { const sheet = new CSSStyleSheet(); sheet.replaceSync(${JSON.stringify(SPACING)}); document.adoptedStyleSheets.push(sheet); return sheet; })()`,
    );
    const lost: string[] = await page.evaluate(LOST);
    await page.evaluate('document.adoptedStyleSheets = []');
    await sheet.dispose();
    return lost;
  });

/** The screens that have been looked at, by their names in phone/screens/screen.ts. */
export const seen = new Set<string>();

/** The screen in front holds; with `PICTURES` there is one of it in forced colours, and one at 320 px. */
export async function holds(page: Page, name: string): Promise<void> {
  seen.add(String(await page.evaluate("document.querySelector('[data-screen]')?.dataset.screen")));
  if (process.env.PICTURES) await pictureAtZoom(page, name);
  expect(await lostAtZoom(page), name).to.deep.equal([]);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await accessibilityFaults(page), `${name} ${colorScheme}`).to.deep.equal([]);
  }
  await page.emulateMedia({ colorScheme: null, forcedColors: 'active' });
  expect(await page.evaluate(UNREADABLE), `${name} in forced colours`).to.deep.equal([]);
  if (process.env.PICTURES) await page.screenshot({ path: `test-results/forced-${name}.png`, fullPage: true });
  await page.emulateMedia({ forcedColors: null });
}
