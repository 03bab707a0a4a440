// docs/relying-services/errors.md: a heading for each error code that a service can be sent, and none for one that it cannot.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { errors } from 'oidc-provider';

/** Codes of features that are not offered, or of a refusal to take what is always taken: nobody is sent them. */
const NOT_OFFERED =
  /request_not_supported|use_dpop_nonce|credential|attestation|software_statement|registration|invalid_nonce|invalid_proof|authorization_details|user_code|login_hint_token|transaction_failed/;

/** Every code of oidc-provider's error classes. */
const KNOWN = Object.values(errors as unknown as { [name: string]: new (text: string) => { error?: string } })
  .map((Kind) => new Kind('a description').error)
  .filter((code): code is string => code !== undefined && code !== 'a description');

/** Made of a prompt’s name by oidc-provider, for `prompt=none` (lib/helpers/interaction_policy). */
const BY_PROMPT = ['login_required', 'consent_required', 'interaction_required'];

/** The codes of all errors of oidc-provider that the files below a folder make. */
function codesThrownIn(folder: string): Set<string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.(ts|js)$/.test(name));
  const codes = new Set<string>();
  for (const file of files) {
    const text = readFileSync(join(folder, file), 'utf8');
    for (const [, name = ''] of text.matchAll(/new (?:errors\.)?([A-Z]\w+)\(/g)) {
      const Kind = (errors as unknown as { [name: string]: new (text: string) => Error & { error?: string } })[name];
      const code = Kind && new Kind('a description').error;
      if (code !== undefined && code !== 'a description') codes.add(code);
    }
    // The interaction policy names codes by their words.
    if (/(^|\/)(provider|helpers\/interaction_policy)\//.test(file))
      for (const code of KNOWN) if (text.includes(`'${code}'`)) codes.add(code);
    for (const [, code = ''] of text.matchAll(/super\(\d{3}, '([a-z_]+)'/g)) codes.add(code);
  }
  return codes;
}

describe('errors.md', () => {
  const ours = codesThrownIn('src');
  const theirs = new Set([...BY_PROMPT, ...codesThrownIn('node_modules/oidc-provider/lib')]);
  const headings = [...readFileSync('docs/relying-services/errors.md', 'utf8').matchAll(/^## `([a-z_]+)`$/gm)].map(
    ([, code]) => code ?? '',
  );

  it('finds the codes in the source', () => {
    expect([...ours]).to.include.members(['unmet_authentication_requirements', 'invalid_target', 'access_denied']);
    expect([...ours]).to.include.members(['temporarily_unavailable', 'slow_down']);
    expect([...theirs]).to.include.members(['invalid_request', 'login_required', 'invalid_client']);
  });

  it('has a heading for every code that we or the library send', () => {
    const sent = [...new Set([...ours, ...theirs])].filter((code) => ours.has(code) || !NOT_OFFERED.test(code));
    for (const code of sent) expect(headings, code).to.include(code);
  });

  it('has no heading twice, and none for what nobody sends', () => {
    expect(new Set(headings).size).to.equal(headings.length);
    for (const code of headings) {
      expect(ours.has(code) || theirs.has(code) || code === 'server_error', code).to.equal(true);
      expect(NOT_OFFERED.test(code), code).to.equal(false);
    }
  });
});
