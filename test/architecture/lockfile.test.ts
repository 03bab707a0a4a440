// The lockfile works on every machine: it also names the packages of systems that this one is not.
import { readFileSync } from 'node:fs';
import { expect } from 'chai';

interface Locked {
  optionalDependencies?: { [name: string]: string };
}

/** Whether a package finds another one, from its own folder upwards. */
function found(packages: { [path: string]: Locked }, from: string, name: string): boolean {
  if (packages[`${from === '' ? '' : `${from}/`}node_modules/${name}`]) return true;
  if (from === '') return false;
  return found(packages, from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/'))), name);
}

describe('architecture: lockfile', () => {
  // npm leaves out what its registry does not serve, and then `npm ci` refuses the whole file.
  it('names every optional package', () => {
    const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
      packages: { [path: string]: Locked };
    };
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies }]) =>
      Object.keys(optionalDependencies ?? {}).filter((name) => !found(packages, path, name)),
    );
    expect(missing).to.deep.equal([]);
  });
});
