// What holds for every link, context and canonical text, not only for the examples that somebody thought of.
import { expect } from 'chai';
import fc from 'fast-check';
import { browserName } from '../../src/domain/browser-name.ts';
import { fromBase64url, toBase64url, utf8 } from '../../src/protocol/bytes.ts';
import {
  CONTEXT_LIMITS,
  type Context,
  contextText,
  fitContext,
  isContext,
  readContext,
} from '../../src/protocol/context.ts';
import { type Canonical, canonicalize } from '../../src/protocol/jcs.ts';
import {
  enrolLink,
  openLink,
  readFragment,
  readScan,
  readTypedCode,
  signInLink,
  typedCode,
} from '../../src/protocol/links.ts';
import { pinProblem } from '../../src/protocol/pin.ts';

const APP = 'https://phone.example';
const text = fc.string({ unit: 'grapheme', maxLength: 80 });
const anyText = fc.string({ unit: 'binary', maxLength: 80 });
const id = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => toBase64url(Uint8Array.from(bytes)));

const value: fc.Arbitrary<Canonical> = fc.letrec<{ any: Canonical }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(text, tie('any'), { maxKeys: 5 }),
  ),
})).any;

const wanted: fc.Arbitrary<Context> = fc
  .record(
    {
      rp: anyText,
      browser: anyText.map(browserName),
      ip: fc.oneof(fc.ipV4(), fc.constant('2001:db8:aaaa:bbbb::/64')),
      country: fc.stringMatching(/^[A-Z]{2}$/),
      at: fc.integer({ min: 1_500_000_000, max: 4_000_000_000 }),
      level: fc.stringMatching(/^[a-z]{1,8}$/),
      binding: fc.oneof(id, fc.stringMatching(/^[A-Za-z0-9 ]{1,60}$/)),
    },
    { requiredKeys: ['rp', 'browser', 'at', 'level'] },
  )
  .map((record) => record as Context);

/** The same members in another order, all the way down. */
function turned(one: unknown): unknown {
  if (Array.isArray(one)) return one.map(turned);
  if (typeof one !== 'object' || one === null) return one;
  return Object.fromEntries(
    Object.entries(one)
      .reverse()
      .map(([name, member]) => [name, turned(member)]),
  );
}

describe('protocol properties', () => {
  it('canonical text means the same, and does not depend on order', () => {
    fc.assert(
      fc.property(value, (one) => {
        const canonical = canonicalize(one);
        expect(canonicalize(JSON.parse(canonical))).to.equal(canonical);
        expect(canonicalize(turned(one) as Canonical)).to.equal(canonical);
        expect(JSON.parse(canonical)).to.deep.equal(JSON.parse(JSON.stringify(one)));
      }),
    );
  });

  it('canonical text has no white space of its own and refuses what has no one form', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.maxSafeInteger()), (one) => {
        expect(canonicalize(one)).to.not.match(/\s/);
      }),
    );
    for (const wrong of [1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60, '\ud800'])
      expect(() => canonicalize({ wrong })).to.throw(TypeError);
  });

  it('a context is cut to size, readable, and reads back as itself', () => {
    fc.assert(
      fc.property(wanted, (one) => {
        const context = fitContext(one);
        expect(utf8(contextText(context)).length).to.be.at.most(CONTEXT_LIMITS.jcs);
        expect(utf8(context.rp).length).to.be.at.most(CONTEXT_LIMITS.rp);
        expect(isContext(context)).to.equal(true);
        expect(readContext(contextText(context))).to.deep.equal(context);
        expect(fitContext(context)).to.deep.equal(context);
      }),
      { numRuns: 500 },
    );
  });

  it('a context with another member, an unseen character or other spelling is refused', () => {
    fc.assert(
      fc.property(wanted, fc.constantFrom('\u202e', '\u0000', '\u200b', '\u2028', '\n'), (one, unseen) => {
        const context = fitContext(one);
        const canonical = contextText(context);
        expect(readContext(canonicalize({ ...context, more: 'x' }))).to.equal(undefined);
        expect(readContext(canonicalize({ ...context, rp: `${context.rp}${unseen}` }))).to.equal(undefined);
        expect(readContext(` ${canonical}`)).to.equal(undefined);
        expect(readContext(JSON.stringify(turned(context)))).to.equal(undefined);
      }),
    );
  });

  it('links are read as they were written, and only by their own app', () => {
    fc.assert(
      fc.property(id, id, fc.integer({ min: 0, max: 99_999 }), wanted, (txn, mac, i, one) => {
        const context = fitContext(one);
        const link = signInLink(APP, txn, { i, mac }, context);
        expect(readScan(link, APP)).to.deep.equal({ kind: 'signin', txn, i, mac, context });
        expect(readScan(enrolLink(APP, txn), APP)).to.deep.equal({ kind: 'enrol', token: txn });
        expect(readScan(openLink(APP, txn), APP)).to.deep.equal({ kind: 'open', txn });
        for (const other of ['http://phone.example', 'https://phone.example:444', 'https://phone.example.evil'])
          expect(readScan(link, other)).to.deep.equal({ problem: 'other_server' });
      }),
    );
  });

  it('a damaged link is refused or says something else, and nothing throws', () => {
    const link = signInLink(
      APP,
      'AAAAAAAAAAAAAAAAAAAAAA',
      { i: 7, mac: 'AAAAAAAAAAAAAAAAAAAAAA' },
      { rp: 'Payroll', browser: 'Firefox', at: 1_800_000_000, level: 'mfa' },
    );
    const whole = JSON.stringify(readScan(link, APP));
    fc.assert(
      fc.property(fc.nat({ max: link.length - 1 }), fc.string({ maxLength: 3 }), (place, put) => {
        const damaged = `${link.slice(0, place)}${put}${link.slice(place + 1)}`;
        fc.pre(damaged !== link && new URL(link).href !== (URL.canParse(damaged) ? new URL(damaged).href : ''));
        expect(JSON.stringify(readScan(damaged, APP))).to.not.equal(whole);
      }),
      { numRuns: 1000 },
    );
    fc.assert(fc.property(anyText, (one) => 'problem' in readScan(one, APP)));
    fc.assert(
      fc.property(fc.constantFrom('e1', 'l1', 'o1', ''), fc.array(anyText, { maxLength: 6 }), (version, parts) => {
        readFragment(`#${[version, ...parts].join('.')}`);
      }),
    );
  });

  it('base64url has one spelling', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const written = toBase64url(Uint8Array.from(bytes));
        expect([...(fromBase64url(written) ?? [])]).to.deep.equal([...bytes]);
        expect(fromBase64url(`${written}=`)).to.equal(undefined);
      }),
    );
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9_+/=-]{0,12}$/), (one) => {
        const bytes = fromBase64url(one);
        expect(bytes === undefined || toBase64url(bytes) === one).to.equal(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('a typed code is read however people type it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 10, maxLength: 10 }), (bytes) => {
        const code = typedCode(Uint8Array.from(bytes));
        const kept = readTypedCode(code);
        expect(kept).to.match(/^[0-9A-HJKMNP-TV-Z]{10}$/);
        expect(readTypedCode(` ${code.toLowerCase().replaceAll('1', 'l').replaceAll('0', 'o')} `)).to.equal(kept);
        expect(readTypedCode(code.replace('-', ''))).to.equal(kept);
        expect(readTypedCode(code.slice(1))).to.equal(undefined);
      }),
    );
    fc.assert(fc.property(anyText, (one) => /^[0-9A-Z]{10}$/.test(readTypedCode(one) ?? '0000000000')));
  });

  it('a PIN of one digit, a run or a repeat is weak, in each length', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 9 }),
        fc.constantFrom(0, 1, 9),
        fc.integer({ min: 4, max: 12 }),
        (first, step, length) => {
          const pin = Array.from({ length }, (_, place) => (first + step * place) % 10).join('');
          expect(pinProblem(pin, { min: 4, max: 12 })).to.equal('weak');
        },
      ),
    );
  });
});
