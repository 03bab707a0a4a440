// The server in a few files: what the bundler must not change.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';

const SERVER = join('dist', 'server');

describe('the bundle', () => {
  let refuseOtherNames: (bundled: string) => void;
  before(async () => {
    ({ refuseOtherNames } = await import(new URL('../../scripts/bundle.mjs', import.meta.url).href));
  });

  it('refuses a class of oidc-provider under another name: the name stands in every store', () => {
    for (const other of [
      'class RefreshToken2 extends',
      'var Session = class _Session {',
      'class InvalidGrant3 extends',
    ])
      expect(() => refuseOtherNames(other), other).to.throw('would get another name');
    refuseOtherNames('class RefreshToken extends BaseToken {} class Redis2 {} class _Schema {}');
  });

  it('has knex once: the embedded database is a dialect of the knex that asks it', () => {
    const texts = readdirSync(SERVER)
      .filter((name) => name.endsWith('.js'))
      .map((name) => readFileSync(join(SERVER, name), 'utf8'));
    expect(texts.filter((text) => /^\/\/ .*node_modules\/knex\/lib\/client\.js$/m.test(text))).to.have.length(1);
    expect(texts.some((text) => /import\("knex-pglite"\)|from "knex"/.test(text))).to.equal(false);
  });
});
