// Whether the words of a screen fit: on a small phone, and at 400 % zoom with the text spacing that a person may set.
import type { Page } from 'playwright-core';
import { lostAtZoom } from './holds.ts';

/** Words that a line's end breaks in two. None is longer than a window of 360 px. */
const BROKEN = `(() => {
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    if (node.parentElement.closest('.visually-hidden, option, script, style')) continue;
    for (const word of node.data.matchAll(/[\\p{L}\\p{M}]{4,}/gu)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size > 1) found.push(word[0] + ' is broken');
    }
  }
  return found;
})()`;

/** What does not fit on the screen in front; empty is right. */
export async function unfit(page: Page): Promise<string[]> {
  const before = page.viewportSize() ?? { width: 390, height: 844 };
  await page.setViewportSize({ width: 360, height: 640 });
  const broken: string[] = await page.evaluate(BROKEN);
  await page.setViewportSize(before);
  return [...broken, ...(await lostAtZoom(page))];
}
