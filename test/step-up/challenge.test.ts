// Reading challenges: whatever an honest server writes is read back, and whatever a strange one writes does no harm.
import { expect } from 'chai';
import fc from 'fast-check';
import { lacking } from '../../packages/step-up/src/challenge.ts';
import { authorizationParameters, parseChallenge } from '../../packages/step-up/src/index.ts';
import { checkRequirement } from '../../packages/step-up/src/requirement.ts';

describe('step-up package: challenges', () => {
  it('reads the examples of RFC 6750, 9449 and 9470', () => {
    expect(
      parseChallenge('Bearer realm="example", error="invalid_token", error_description="The access token expired"'),
    ).to.deep.equal({
      scheme: 'bearer',
      realm: 'example',
      error: 'invalid_token',
      errorDescription: 'The access token expired',
      scopes: [],
      acrValues: [],
    });
    expect(parseChallenge('DPoP algs="ES256 PS256"')?.scheme).to.equal('dpop');
    const stepUp = parseChallenge(
      'Bearer error="insufficient_user_authentication",\n  error_description="A different authentication level is required",\n  acr_values="myACR"'.replaceAll(
        '\n',
        '',
      ),
    );
    expect(stepUp?.acrValues).to.deep.equal(['myACR']);
    const age = parseChallenge(
      'Bearer error="insufficient_user_authentication", error_description="More recent", max_age="5"',
    );
    expect(age && authorizationParameters(age)).to.deep.equal({ max_age: '5' });
  });

  it('finds ours among others, and the one with an error first', () => {
    const header =
      'Negotiate YII==, Basic realm="a, Bearer error=\\"x\\"", Bearer realm=plain, dpop ERROR="invalid_token" , algs=ES256';
    expect(parseChallenge(header)).to.include({ scheme: 'dpop', error: 'invalid_token' });
    expect(parseChallenge('Basic realm="Bearer error=invalid_token"')).to.equal(undefined);
    expect(parseChallenge('Bearer')).to.deep.equal({ scheme: 'bearer', scopes: [], acrValues: [] });
    expect(parseChallenge('Bearer, DPoP algs="ES256"')?.scheme).to.equal('bearer');
    for (const nothing of ['', null, undefined, ',,', '"', '=']) expect(parseChallenge(nothing)).to.equal(undefined);
  });

  it('reads the answer of fetch', () => {
    const headers = new Headers([
      ['www-authenticate', 'Bearer realm="a"'],
      ['www-authenticate', 'DPoP error="invalid_token"'],
    ]);
    expect(parseChallenge(headers)?.scheme).to.equal('dpop');
    expect(parseChallenge(new Response(null, { headers }))?.scheme).to.equal('dpop');
  });

  it('takes no age that is none, and knows when a new sign-in would not help', () => {
    for (const age of ['-5', '1e9', '5 minutes', '99999999999999999999'])
      expect(parseChallenge(`Bearer error="x", max_age="${age}"`)?.maxAge).to.equal(undefined);
    expect(authorizationParameters({ scheme: 'bearer', error: 'invalid_request', scopes: [], acrValues: [] })).to.equal(
      undefined,
    );
    expect(
      authorizationParameters({ scheme: 'bearer', error: 'invalid_token', scopes: [], acrValues: [] }),
    ).to.deep.equal({});
  });

  it('reads back what the server writes, whatever the realm', () => {
    const name = fc.stringMatching(/^[\x21\x23-\x5b\x5d-\x7e]{1,20}$/);
    const realm = fc.stringMatching(/^[\x20-\x7e]{1,40}$/);
    fc.assert(
      fc.property(
        realm,
        fc.array(name, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 99_999 }),
        (text, acrValues, maxAge) => {
          const required = checkRequirement({ acrValues, maxAge }, []);
          const { headers } = lacking(
            { name: text, schemes: ['bearer', 'dpop'], algorithms: ['ES256'] },
            'dpop',
            'level',
            required,
          );
          const read = parseChallenge(headers['www-authenticate']);
          expect(read).to.deep.include({ scheme: 'dpop', realm: text, acrValues, maxAge });
        },
      ),
      { numRuns: 300 },
    );
  });

  it('reads any text in bounded time', () => {
    const piece = fc.constantFrom('Bearer', ' ', ',', '=', '"', '\\', 'error', 'a', '\t', 'é', 'DPoP x=y');
    fc.assert(fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => void parseChallenge(pieces.join(''))));
    expect(parseChallenge(`Basic ${'a="b", '.repeat(2_000)} Bearer error="x"`)).to.equal(undefined);
    const start = performance.now();
    for (const text of [
      'a="\\'.repeat(50_000),
      ' '.repeat(200_000),
      'a='.repeat(100_000),
      `Bearer ${'a'.repeat(200_000)}`,
    ])
      parseChallenge(text);
    expect(performance.now() - start).to.be.lessThan(500);
  });
});
