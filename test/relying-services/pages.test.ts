// Every page of docs/relying-services/ is run by a test, and found from their first page.
import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { filesOf } from './with-service.ts';

describe('relying services: pages', () => {
  const pages = readdirSync('docs/relying-services')
    .filter((name) => name.endsWith('.md') && name !== 'README.md')
    .map((name) => name.slice(0, -'.md'.length));
  const textOf = (page: string) => readFileSync(`docs/relying-services/${page}.md`, 'utf8');
  /** Pages of clients; the others tell of a way to sign in. */
  const clients = pages.filter((page) => /A\s+test\s+runs\s+this\s+page\s+as\s+it\s+stands/.test(textOf(page)));

  it('each stands in the list, and each client has a test that runs its page', () => {
    const list = readFileSync('docs/relying-services/README.md', 'utf8');
    for (const page of pages) expect(list).to.include(`(${page}.md)`);
    const tests = readdirSync('test/relying-services')
      .filter((name) => name.endsWith('.test.ts') && name !== 'pages.test.ts')
      .map((name) => name.slice(0, -'.test.ts'.length));
    expect(clients).to.have.members(tests);
  });

  it('each client has a file for the provider and one for the service, and no block of code that is left out of the test', () => {
    for (const page of clients) {
      const names = [...filesOf(page).keys()];
      expect(names[0], page).to.match(/^config\/clients\/travel(-\w+)?\.yaml$/);
      expect(names.length, page).to.be.greaterThan(1);
      expect([...textOf(page).matchAll(/^```\w+/gm)].length, page).to.equal(names.length);
    }
  });
});
