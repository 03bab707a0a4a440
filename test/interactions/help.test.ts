// The help: the same in every language that has it, led to by every page, and replaced by the operator's own where they have some.
import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { TOPICS } from '../../interactions/help/topics.ts';
import { html } from '../../interactions/layout.tsx';
import { LANGUAGES } from '../../interactions/words.ts';
import { HELP_TOPICS } from '../../src/settings/sections/branding.ts';
import { SAMPLES, sampleView } from './all-samples.ts';

const TEXTS = new URL('../../interactions/help/texts/', import.meta.url);

type Part = string | Part[] | { [name: string]: Part };

/** The shape of a text: where words stand, and what is filled in there. */
function shapeOf(part: Part): unknown {
  if (typeof part === 'string') return [...part.matchAll(/\{\w+\}/g)].map(([hole]) => hole).sort();
  if (Array.isArray(part)) return part.map(shapeOf);
  return Object.fromEntries(Object.entries(part).map(([name, value]) => [name, shapeOf(value)]));
}

function wordsIn(part: Part): string[] {
  return typeof part === 'string' ? [part] : Object.values(part).flatMap(wordsIn);
}

const read = (language: string) => JSON.parse(readFileSync(new URL(`${language}.json`, TEXTS), 'utf8')) as Part;
const WRITTEN = readdirSync(TEXTS).map((name) => name.replace('.json', ''));
const own = { url: 'https://wiki.example/help', topics: {}, links: [] };

describe('help', () => {
  it('is there in every language of the pages', () => {
    expect(WRITTEN).to.include.members([...LANGUAGES]);
    expect(TOPICS).to.deep.equal(HELP_TOPICS);
  });

  for (const language of WRITTEN)
    it(`says as much in ${language} as in English, with no straight apostrophe`, () => {
      expect(shapeOf(read(language))).to.deep.equal(shapeOf(read('en')));
      expect(wordsIn(read(language)).filter((text) => text.trim() === '' || text.includes("'"))).to.deep.equal([]);
    });

  it('is led to by every page but its own, beside the page that is open', () => {
    for (const { name, page } of SAMPLES) {
      const [link] = /<a href="\/help[^>]*target="_blank"[^>]*>/.exec(html(page(sampleView('en')))) ?? [];
      expect(link !== undefined, name).to.equal(!name.startsWith('help'));
      if (link !== undefined) expect(link, name).to.include('rel="noopener"');
    }
  });

  it('gives way to help of the operator, whole or topic by topic', () => {
    const [sample] = SAMPLES.filter(({ name }) => name.startsWith('login'));
    const { brand } = sampleView('en');
    const shown = (help: typeof brand.help) =>
      html(sample?.page(sampleView('en', { brand: { ...brand, help } })) as never);
    expect(shown(own)).to.include('href="https://wiki.example/help"').and.to.not.include('"/help');
    const topics = { 'other-ways': 'https://wiki.example/ways' };
    expect(shown({ topics, links: [] })).to.include('href="https://wiki.example/ways"');
  });
});
