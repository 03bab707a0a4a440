// Every page of docs/relying-services/ is run by a test, and found from their first page.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { filesOf } from './with-service.ts';

describe('relying services: pages', () => {
  const pages = readdirSync('docs/relying-services')
    .filter((name) => name.endsWith('.md') && name !== 'README.md')
    .map((name) => name.slice(0, -'.md'.length));

  it('each has a test that runs it, and a place in the list', () => {
    const list = readFileSync('docs/relying-services/README.md', 'utf8');
    expect(pages).to.not.deep.equal([]);
    for (const page of pages) {
      expect(existsSync(`test/relying-services/${page}.test.ts`), page).to.equal(true);
      expect(list).to.include(`(${page}.md)`);
    }
  });

  it('each has a file for the provider and one for the service, and no block of code that is left out of the test', () => {
    for (const page of pages) {
      const names = [...filesOf(page).keys()];
      expect(names[0], page).to.match(/^config\/clients\/travel(-\w+)?\.yaml$/);
      expect(names.length, page).to.be.greaterThan(1);
      const text = readFileSync(`docs/relying-services/${page}.md`, 'utf8');
      expect([...text.matchAll(/^```\w+/gm)].length, page).to.equal(names.length);
    }
  });
});
