// Every page in a real browser: no accessibility fault, nothing that has to be scrolled sideways, readable with anybody's spacing and colours.
import type { BrowserContext, Page } from 'playwright-core';
import { accessibilityFaults, desktop } from '../support/browser.ts';
import { type SampleServer, serveSamples } from '../support/sample-server.ts';

/** Text spacing that a person may set (WCAG 2.2, 1.4.12). */
const SPACING =
  '* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important } p { margin-bottom: 2em !important }';

/** Elements that reach over the right edge, or text that its own box cuts off. Empty is right. */
function overflowing(): string[] {
  const width = document.documentElement.clientWidth;
  const wide =
    document.documentElement.scrollWidth > width ? [`the page is ${document.documentElement.scrollWidth} px wide`] : [];
  const cut = [...document.querySelectorAll<HTMLElement>('body *:not(.unseen, .skip, svg, svg *)')].filter(
    (element) => {
      const style = getComputedStyle(element);
      return style.overflowX === 'hidden' && element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 1;
    },
  );
  return [...wide, ...cut.map((element) => `${element.tagName} ${element.className} cuts its text off`)];
}

describe('the look of every page', function () {
  this.timeout(120_000);
  let samples: SampleServer;
  let context: BrowserContext;
  let page: Page;

  before(async () => {
    samples = await serveSamples();
    // Chromium's own layout at 320 CSS px is what 400 % zoom of a 1280 px window is. axe is evaluated by the debugger, past the policy.
    context = await desktop({ reducedMotion: 'reduce', bypassCSP: true });
    // There is no sign-in behind a sample: the scripts that ask how it goes would load the page again and again.
    await context.route(/\/assets\/(?:approve|enrol)-/, (route) => route.abort());
    page = await context.newPage();
  });
  after(async () => {
    await context.close();
    await samples.close();
  });

  const each = async (language: string, look: () => Promise<string[]>) => {
    const faults: string[] = [];
    for (const name of samples.names) {
      await page.goto(`${samples.url}/sample/${name}?language=${language}`);
      faults.push(...(await look()).map((fault) => `${name}: ${fault}`));
    }
    // Told as lines: a difference of long lists takes mocha minutes to draw.
    if (faults.length > 0) throw new Error(faults.join('\n'));
  };

  for (const [colorScheme, width] of [
    ['light', 360],
    ['dark', 1280],
  ] as const)
    it(`has no fault that axe finds (${colorScheme}, ${width} px)`, async () => {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
      await each('en', () => accessibilityFaults(page));
    });

  it('fits 320 px, with and without wider text spacing, in the language of the longest words', async () => {
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize({ width: 320, height: 700 });
    await each('de', async () => {
      const plain = await page.evaluate(overflowing);
      await page.addStyleTag({ content: SPACING });
      return [...plain, ...(await page.evaluate(overflowing)).map((fault) => `with text spacing ${fault}`)];
    });
  });
});
