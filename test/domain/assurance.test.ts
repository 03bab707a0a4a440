// Levels: what is required, what is reached, and what a token may say.
import { expect } from 'chai';
import fc from 'fast-check';
import {
  acrFor,
  amrOf,
  authTimeOf,
  type Level,
  meets,
  type Proofs,
  reached,
  requirement,
  waysTo,
} from '../../src/domain/assurance.ts';

const basic: Level = { name: 'basic', acr: ['urn:basic'], anyOf: [['password']], fresh: { password: 43_200 } };
const mfa: Level = {
  name: 'mfa',
  acr: ['urn:mfa', 'https://refeds.org/profile/mfa'],
  anyOf: [
    ['password', 'phone'],
    ['password', 'totp'],
  ],
  fresh: { password: 43_200, phone: 3600 },
};
const phr: Level = { name: 'phr', acr: ['phr'], anyOf: [['passkey']], fresh: {} };
const levels = [basic, mfa, phr];
const offered = (level: Level) => level !== phr;
const none = { essential: [], voluntary: [], minimum: [] };
const NOW = 1_800_000_000;
const password = { at: NOW - 100, amr: ['pwd'] };
const phone = { at: NOW - 10, amr: ['swk', 'pin', 'mca', 'user', 'mfa'], factor: 'd_1' };

describe('a level that is required', () => {
  const required = (wish: Partial<typeof none> & object) => {
    const answer = requirement(levels, { ...none, ...wish } as never, offered);
    return answer.ok ? answer.required.name : answer.why;
  };

  it('is the lowest where nothing is asked', () => expect(required({})).to.equal('basic'));
  it('is the best of the acr_values that are offered', () => {
    expect(required({ voluntary: ['urn:basic', 'urn:mfa'] } as never)).to.equal('mfa');
    expect(required({ voluntary: ['phr', 'https://refeds.org/profile/mfa'] } as never)).to.equal('mfa');
  });
  it('is not raised or refused by voluntary values that nobody knows', () => {
    expect(required({ voluntary: ['urn:who', 'knows'] } as never)).to.equal('basic');
  });
  it('is refused where essential values are all unknown', () => {
    expect(required({ essential: ['urn:who'] } as never)).to.equal('unknown_acr');
    expect(required({ essential: ['urn:who'], voluntary: ['urn:mfa'] } as never)).to.equal('unknown_acr');
  });
  it('is refused where what is known cannot be reached here', () => {
    expect(required({ essential: ['phr'] } as never)).to.equal('unreachable');
    expect(required({ voluntary: ['phr'] } as never)).to.equal('unreachable');
    expect(required({ minimum: ['phr'] } as never)).to.equal('unreachable');
  });
  it('takes the lowest of several essential values, and still the minimum where that is higher', () => {
    expect(required({ essential: ['urn:mfa', 'urn:basic'] } as never)).to.equal('basic');
    expect(required({ essential: ['urn:basic'], minimum: ['mfa'] } as never)).to.equal('mfa');
  });
  it('never falls below a minimum, whatever else is asked', () => {
    const acr = fc.array(fc.constantFrom('urn:basic', 'urn:mfa', 'urn:x', ''), { maxLength: 4 });
    fc.assert(
      fc.property(acr, acr, (essential, voluntary) => {
        const answer = requirement(levels, { essential, voluntary, minimum: ['mfa'] }, offered);
        return !answer.ok || answer.required === mfa;
      }),
    );
  });
});

describe('a level that is reached', () => {
  const name = (proofs: Proofs, now = NOW, maxAge?: number) => reached(levels, proofs, now, maxAge)?.level.name;

  it('is the highest whose combination is complete', () => {
    expect(name({ password })).to.equal('basic');
    expect(name({ password, phone })).to.equal('mfa');
    expect(name({ phone })).to.equal(undefined);
  });
  it('falls when one of its proofs is no longer fresh', () => {
    expect(name({ password, phone }, NOW + 3590)).to.equal('mfa');
    expect(name({ password, phone }, NOW + 3591)).to.equal('basic');
    expect(name({ password, phone }, NOW + 43_200)).to.equal(undefined);
  });
  it('applies max_age to every proof that it needs', () => {
    expect(name({ password, phone }, NOW, 50)).to.equal(undefined);
    expect(name({ password, phone }, NOW, 100)).to.equal('mfa');
  });
  it('satisfies any lower one', () => {
    expect(meets(levels, mfa, basic)).to.equal(true);
    expect(meets(levels, basic, mfa)).to.equal(false);
    expect(meets(levels, undefined, basic)).to.equal(false);
  });
  it('names what is missing on each way', () => {
    expect(waysTo(levels, mfa, { password }, NOW).map((way) => way.missing)).to.deep.equal([
      ['phone'],
      ['totp'],
      ['passkey'],
    ]);
  });
});

describe('what a token says', () => {
  it('is the union of amr and the time of the oldest proof', () => {
    expect(amrOf({ phone, password })).to.deep.equal(['pwd', 'swk', 'pin', 'mca', 'user', 'mfa']);
    expect(authTimeOf({ phone, password })).to.equal(NOW - 100);
  });
  it('is the value that was asked where it says no less than is required', () => {
    const acr = (essential: string[], voluntary: string[], required: Level, got: Level) =>
      acrFor(levels, { essential, voluntary, minimum: [] }, required, got);
    expect(acr([], [], basic, mfa)).to.equal('urn:mfa');
    expect(acr([], ['https://refeds.org/profile/mfa'], mfa, mfa)).to.equal('https://refeds.org/profile/mfa');
    expect(acr(['urn:basic'], [], basic, mfa)).to.equal('urn:basic');
    expect(acr(['urn:basic'], [], mfa, mfa)).to.equal('urn:mfa');
    expect(acr([], ['urn:basic'], basic, mfa)).to.equal('urn:mfa');
  });
});
