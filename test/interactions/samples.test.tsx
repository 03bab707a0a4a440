// Every sample of every page renders in every language, is one well-made document, and treats what others wrote as text.
import { expect } from 'chai';
import { ConsentPage } from '../../interactions/consent/page.tsx';
import { html, type View } from '../../interactions/layout.tsx';
import { LoginPage } from '../../interactions/login/page.tsx';
import { SAMPLE_SERVICE } from '../../interactions/samples.ts';
import { ProblemPage } from '../../interactions/system/page.tsx';
import { LANGUAGES } from '../../interactions/words.ts';
import { SAMPLES, sampleView } from './all-samples.ts';

const EVIL = '<script>alert(1)</script>"\'><img src=x onerror=alert(1)>';

/** What is text only: all mark-up taken away. */
function opened(page: string, tag: string): number {
  return [...page.matchAll(new RegExp(`<${tag}[\\s>]`, 'g'))].length;
}

describe('samples', () => {
  it('have names of their own', () => {
    const names = SAMPLES.map((sample) => sample.name);
    expect(new Set(names).size).to.equal(names.length);
    expect(names.length).to.be.greaterThan(80);
  });

  for (const language of LANGUAGES)
    it(`render in ${language}, each as one document with one h1 and one main part`, () => {
      for (const { name, page } of SAMPLES) {
        const text = html(page(sampleView(language)));
        expect(text.startsWith('<!doctype html><html lang="'), name).to.equal(true);
        expect(text, name).to.include(`<html lang="${language}"`);
        expect(opened(text, 'h1'), `${name}: h1`).to.equal(1);
        expect(opened(text, 'main'), `${name}: main`).to.equal(1);
        expect(text, `${name}: a value that is missing`).to.not.match(/undefined|\[object Object\]|NaN/);
        const ids = [...text.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
        expect(new Set(ids).size, `${name}: ids ${ids.join(' ')}`).to.equal(ids.length);
      }
    });

  it('run no script and no style without the nonce, and have no handler or style of their own', () => {
    for (const { name, page } of SAMPLES) {
      const text = html(page(sampleView('en')));
      for (const [tag] of text.matchAll(/<(?:script|style)\b[^>]*>/g))
        expect(tag, name).to.include('nonce="sample-nonce"');
      expect(text, name).to.not.match(/<[^>]*\s(?:on\w+|style)=/);
    }
  });

  it('have one main button at most', () => {
    for (const { name, page } of SAMPLES) {
      const text = html(page(sampleView('en')));
      expect([...text.matchAll(/class="button main"/g)].length, name).to.be.lessThanOrEqual(1);
    }
  });
});

describe('what others wrote', () => {
  const service = { ...SAMPLE_SERVICE, name: EVIL };
  const brand = { ...sampleView('en').brand, name: EVIL, links: [{ name: EVIL, url: 'https://id.example/' }] };
  const pages: { readonly [where: string]: (view: View) => string } = {
    'the name of a service': (view) => html(LoginPage({ view, service, at: '/interaction/x' })),
    'a sign-in name': (view) => html(LoginPage({ view, service: SAMPLE_SERVICE, at: '/interaction/x', login: EVIL })),
    'an error of the provider': (view) =>
      html(ProblemPage({ view, kind: 'request', technical: { code: EVIL, description: EVIL, requestId: EVIL } })),
    'scopes and resources': (view) =>
      html(
        ConsentPage({
          view,
          service,
          at: '/interaction/x',
          account: EVIL,
          consent: {
            scopes: [EVIL],
            claims: [EVIL],
            own: [
              { name: EVIL, groups: false },
              { name: 'x', description: EVIL, groups: true },
            ],
            resources: [
              {
                name: EVIL,
                scopes: [{ name: EVIL }, { name: 'x', description: EVIL }],
                claims: [{ name: EVIL, groups: false }],
              },
            ],
          },
        }),
      ),
    'the brand': (view) => html(LoginPage({ view: { ...view, brand }, service: SAMPLE_SERVICE, at: '/interaction/x' })),
    'a notice of the operator': (view) => {
      const notices = [{ text: { en: EVIL }, from: 0, until: 1, state: 'active' as const }];
      return html(LoginPage({ view: { ...view, notices }, service: SAMPLE_SERVICE, at: '/interaction/x' }));
    },
    'the page’s own address': (view) =>
      html(LoginPage({ view: { ...view, here: `/x?${EVIL}` }, service: SAMPLE_SERVICE, at: '/interaction/x' })),
  };
  for (const [where, page] of Object.entries(pages))
    for (const language of LANGUAGES)
      it(`stays text in ${where} (${language})`, () => {
        const text = page(sampleView(language));
        expect(text).to.include('&lt;script');
        expect(text).to.not.include('<script>');
        expect(text).to.not.include('<img src=x');
      });

  it('never reaches the style sheet by a colour', () => {
    const colours = { accent: '#000000}</style><script>', accentDark: 'red' };
    const view = sampleView('en', { brand: { ...brand, colours } });
    expect(html(LoginPage({ view, service: SAMPLE_SERVICE, at: '/interaction/x' }))).to.not.include('<style');
  });
});
