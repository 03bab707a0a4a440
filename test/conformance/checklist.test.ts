// The checklist names only tests that exist, and has a test or a reason for every module.
import { existsSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { CHECKLIST, type Shown } from './checklist.ts';

/** What is wrong with a row; undefined where nothing is. */
function faultOf(row: Shown): string | undefined {
  if ('why' in row) return row.why.length > 20 ? undefined : 'the reason is missing';
  if (!existsSync(row.file)) return `there is no ${row.file}`;
  const titles = [...readFileSync(row.file, 'utf8').matchAll(/\bit\(\s*(['"`])(.*?)\1,/gs)].map(([, , title]) => title);
  return titles.includes(row.title) ? undefined : `${row.file} has no test "${row.title}"`;
}

describe('conformance: the checklist', () => {
  for (const [plan, modules] of Object.entries(CHECKLIST))
    it(`has a test or a reason for every module: ${plan}`, () => {
      expect(Object.keys(modules)).to.have.length.above(0);
      for (const [module, row] of Object.entries(modules)) expect(faultOf(row), module).to.equal(undefined);
    });

  it('would tell of a test or file that does not exist, and of an empty reason', () => {
    const file = 'test/conformance/basic.test.ts';
    expect(faultOf({ file, title: 'prompt=login' })).to.match(/has no test "prompt=login"/);
    expect(faultOf({ file: 'test/nothing.test.ts', title: 'x' })).to.equal('there is no test/nothing.test.ts');
    expect(faultOf({ why: '' })).to.equal('the reason is missing');
  });
});
