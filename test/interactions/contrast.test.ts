// The colours: text 7:1 and controls 4.5:1 on everything that they stand on, computed from tokens.css for the light and the dark scheme.
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { brandStyle, contrast, luminance } from '../../interactions/brand.ts';

const CSS = readFileSync(new URL('../../interactions/assets/tokens.css', import.meta.url), 'utf8');

function colours(block: string): Map<string, string> {
  return new Map(
    [...block.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6});/gi)].map(([, name, value]) => [name ?? '', value ?? '']),
  );
}

const [light = '', rest = ''] = CSS.split('@media (prefers-color-scheme: dark)');
const [dark = ''] = rest.split('@media (forced-colors');
const SCHEMES = {
  light: colours(light),
  dark: new Map([...colours(light), ...colours(dark)]),
};

/** Text, and all that it stands on. */
const TEXT: readonly [string, readonly string[]][] = [
  ['ink', ['paper', 'card', 'sunk', 'tint']],
  ['ink-soft', ['paper', 'card', 'sunk', 'tint']],
  ['accent', ['paper', 'card', 'tint']],
  ['accent-strong', ['paper', 'card', 'tint']],
  ['on-accent', ['accent', 'accent-strong']],
  ['error', ['card', 'error-tint', 'paper']],
  ['warn', ['card', 'warn-tint']],
  ['ok', ['card', 'ok-tint']],
];
/** Borders of controls and the focus ring, on what is around and inside them. */
const CONTROLS: readonly [string, readonly string[]][] = [
  ['edge', ['paper', 'card', 'sunk']],
  ['accent', ['card', 'line']],
  ['error', ['card', 'sunk']],
  ['focus', ['paper', 'card', 'sunk', 'tint']],
];

function check(scheme: Map<string, string>, pairs: readonly [string, readonly string[]][], least: number): string[] {
  return pairs.flatMap(([over, unders]) =>
    unders.flatMap((under) => {
      const [a, b] = [scheme.get(over), scheme.get(under)];
      if (a === undefined || b === undefined) return [`${over} or ${under} is no colour`];
      const found = contrast(a, b);
      return found < least ? [`${over} on ${under}: ${found.toFixed(2)}`] : [];
    }),
  );
}

describe('contrast', () => {
  it('is computed as WCAG 2.2 says', () => {
    expect(contrast('#000000', '#ffffff')).to.equal(21);
    expect(contrast('#777777', '#ffffff')).to.be.closeTo(4.48, 0.01);
    expect(luminance('#ff0000')).to.be.closeTo(0.2126, 0.0001);
  });

  for (const [name, scheme] of Object.entries(SCHEMES)) {
    it(`of text is 7:1 or more (${name})`, () => {
      expect(check(scheme, TEXT, 7)).to.deep.equal([]);
    });

    it(`of controls is 4.5:1 or more (${name})`, () => {
      expect(check(scheme, CONTROLS, 4.5)).to.deep.equal([]);
    });
  }

  it('of a QR code is black on white in both schemes', () => {
    for (const scheme of Object.values(SCHEMES))
      expect([scheme.get('qr-ink'), scheme.get('qr-paper')]).to.deep.equal(['#000000', '#ffffff']);
  });

  it('finds colours that are too close', () => {
    const close = new Map([
      ['ink', '#777777'],
      ['card', '#ffffff'],
    ]);
    expect(check(close, [['ink', ['card']]], 7)).to.deep.equal(['ink on card: 4.48']);
  });
});

describe('colours of the operator', () => {
  it('get black or white words, whichever is read better', () => {
    expect(brandStyle({ accent: '#ffe000' })).to.include('--on-accent:#000000');
    expect(brandStyle({ accent: '#0a5348' })).to.include('--on-accent:#ffffff');
  });

  it('stay in the scheme that they were chosen for', () => {
    expect(brandStyle({ accent: '#0a5348' })).to.match(/^@media \(prefers-color-scheme:light\)/);
    expect(brandStyle({ accentDark: '#84dcc6' })).to.match(/^@media \(prefers-color-scheme:dark\)/);
    expect(brandStyle({})).to.equal('');
  });

  it('are colours or nothing', () => {
    for (const accent of ['red', '#fff', '#0000000', 'url(x)', '#000000}', ''])
      expect(brandStyle({ accent, accentDark: accent }), accent).to.equal('');
  });
});
