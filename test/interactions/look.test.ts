// Every page in a real browser: no accessibility fault, nothing that has to be scrolled sideways, readable with anybody's spacing and colours.
import type { AxeResults } from 'axe-core';
import type { BrowserContext, Page } from 'playwright-core';
import { html } from '../../interactions/layout.tsx';
import { LANGUAGES } from '../../interactions/words.ts';
import { accessibilityFaults, desktop } from '../support/browser.ts';
import { type SampleServer, serveSamples } from '../support/sample-server.ts';
import { SAMPLES, sampleView } from './all-samples.ts';

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

/** Words of buttons that are broken although the page has room for them in one line: a box beside them was made too narrow. */
function broken(): string[] {
  const room = (document.querySelector('main')?.clientWidth ?? 0) - 96;
  return [...document.querySelectorAll('.button')].flatMap((button) => {
    const texts = [...button.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
    return texts.flatMap((node) =>
      [...(node.textContent ?? '').matchAll(/\S+/g)].flatMap(({ 0: word, index }) => {
        const range = document.createRange();
        range.setStart(node, index);
        range.setEnd(node, index + word.length);
        const lines = [...range.getClientRects()];
        const width = lines.reduce((sum, line) => sum + line.width, 0);
        return new Set(lines.map(({ top }) => top)).size > 1 && width < room ? [`"${word}" is broken`] : [];
      }),
    );
  });
}

/** What scheme and width can change of what axe finds, after {@link accessibilityFaults}; the rest of a page is the same in all of them. */
async function lookFaults(page: Page): Promise<string[]> {
  const rules = ['color-contrast', 'color-contrast-enhanced', 'link-in-text-block', 'target-size'];
  const { violations }: AxeResults = await page.evaluate(`axe.run({ runOnly: ${JSON.stringify(rules)} })`);
  return violations.map(({ id, nodes }) => `${id} [${nodes.map((node) => node.target.join(' ')).join(', ')}]`);
}

/** The language in which a sample has the longest word: words are what cannot be broken. */
function hardest(name: string): string {
  const sample = SAMPLES.find((one) => one.name === name);
  const longest = (language: string) => {
    const text = sample
      ? html(sample.page(sampleView(language))).replace(/<(?:script|style)[\s\S]*?<\/|<[^>]*>/g, ' ')
      : '';
    return Math.max(...text.split(/\s+/).map((word) => word.length));
  };
  const lengths = LANGUAGES.map((language) => ({ language, length: longest(language) }));
  return lengths.reduce((a, b) => (b.length > a.length ? b : a)).language;
}

describe('the look of every page', function () {
  this.timeout(300_000);
  let samples: SampleServer;
  let context: BrowserContext;
  const faults = { axe: [] as string[], dark: [] as string[], narrow: [] as string[] };

  before(async () => {
    samples = await serveSamples({ scripts: false });
    // Chromium's own layout at 320 CSS px is what 400 % zoom of a 1280 px window is. axe is evaluated by the debugger, past the policy.
    context = await desktop({ reducedMotion: 'reduce', bypassCSP: true });
    const names = [...samples.names];
    const walk = async (page: Page) => {
      for (let name = names.shift(); name !== undefined; name = names.shift()) await look(page, name);
    };
    await Promise.all([walk(await context.newPage()), walk(await context.newPage())]);
  });
  after(async () => {
    await context?.close();
    await samples?.close();
  });

  /** Opens a sample once, in the language that is hardest on it, and looks at it in each way. */
  async function look(page: Page, name: string): Promise<void> {
    const language = hardest(name);
    const note = (list: string[], found: string[]) =>
      list.push(...found.map((fault) => `${name} (${language}): ${fault}`));
    const at = async (colorScheme: 'light' | 'dark', width: number) => {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 800 });
    };
    await at('light', 360);
    await page.goto(`${samples.url}/sample/${name}?language=${language}`);
    note(faults.axe, await accessibilityFaults(page));
    await at('dark', 1280);
    note(faults.dark, await lookFaults(page));
    await at('light', 320);
    note(faults.narrow, [...(await page.evaluate(overflowing)), ...(await page.evaluate(broken))]);
    await page.addStyleTag({ content: SPACING });
    note(
      faults.narrow,
      (await page.evaluate(overflowing)).map((fault) => `with text spacing ${fault}`),
    );
  }

  /** Told as lines: a difference of long lists takes mocha minutes to draw. */
  const none = (list: string[]) => {
    if (list.length > 0) throw new Error(list.join('\n'));
  };

  it('has no fault that axe finds (light, 360 px)', () => none(faults.axe));

  it('has colours and targets without fault (dark, 1280 px)', () => none(faults.dark));

  it('fits 320 px, with and without wider text spacing', () => none(faults.narrow));
});
