// compose.yaml, the Kubernetes manifests, the Dockerfile and the unit are held against what their readers take: schemas, types, linters.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Ajv } from 'ajv';
import { expect } from 'chai';
import { type ValidationSeverity, validate } from 'dockerfile-utils';
import { parse, parseAllDocuments } from 'yaml';
import { loadSettings } from '../../src/settings/load.ts';
import type { Problem } from '../../src/settings/problems.ts';
import { findProgram } from '../support/servers.ts';

const require = createRequire(import.meta.url);
const read = (path: string): string => readFileSync(path, 'utf8');

interface Json {
  [key: string]: unknown;
}

describe('compose.yaml and the Compose Specification', () => {
  // dclint ships the specification's own schema.
  const { $schema: _draft, ...schema } = JSON.parse(
    read(join(dirname(require.resolve('dclint/package.json')), 'schemas/compose.schema.json')),
  ) as Json;
  const fits = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile(schema);
  const compose = () => parse(read('compose.yaml'), { merge: true }) as { services: { [name: string]: Json } };

  it('says nothing that the specification does not know', () => {
    expect(fits(compose()), JSON.stringify(fits.errors)).to.equal(true);
  });

  it('would be refused with a key that does not exist, or a value of another kind', () => {
    for (const wrong of [
      { read_onyl: true },
      { cap_drop: 'ALL' },
      { stop_grace_period: 45 },
      { healthcheck: { tset: [] } },
    ]) {
      const changed = compose();
      Object.assign(changed.services['proxy'] ?? {}, wrong);
      expect(fits(changed), JSON.stringify(wrong)).to.equal(false);
    }
  });
});

/** A JSON Patch operation (RFC 6902), of the kinds that our kustomizations use. */
interface Operation {
  op: 'test' | 'remove' | 'add';
  path: string;
  value?: unknown;
}

/** Applies a patch in place. @throws where a path leads nowhere, or a test does not hold (RFC 6902 sections 4 and 4.6). */
function patched(document: Json, operations: Operation[]): void {
  for (const { op, path, value } of operations) {
    const names = path.split('/').slice(1);
    const last = names.pop() ?? '';
    const parent = names.reduce((at, name) => at[name] as Json, document) as Json | unknown[];
    const index = Number(last);
    if (op === 'test') expect((parent as Json)[last], path).to.deep.equal(value);
    else if (!Array.isArray(parent)) throw new Error(`${path}: only lists are changed here`);
    else if (op === 'add') parent.splice(last === '-' ? parent.length : index, 0, value);
    else parent.splice(index, 1);
  }
}

describe('deploy/kubernetes and the types of the Kubernetes API', function () {
  this.timeout(120_000);
  const base = () => parseAllDocuments(read('deploy/kubernetes/countersign.yaml')).map((one) => one.toJS() as Json);
  const kustomization = (path: string) =>
    parse(read(`deploy/kubernetes/${path}kustomization.yaml`)) as {
      resources: string[];
      patches?: { target: { kind: string; name?: string }; patch: string }[];
    };
  /** The manifests with the patches of a folder. */
  const severalStores = () => {
    const documents = base();
    for (const { target, patch } of kustomization('several-stores/').patches ?? []) {
      const meant = documents.filter(
        ({ kind, metadata }) => kind === target.kind && [undefined, (metadata as Json)['name']].includes(target.name),
      );
      expect(meant, target.kind).to.have.length(1);
      for (const document of meant) patched(document, parse(patch) as Operation[]);
    }
    return documents;
  };

  /**
   * What the compiler says of manifests, each as a value of its type in kubernetes-types, which is made from the OpenAPI document of Kubernetes.
   * A key that the type does not have is an error, as `kubectl --validate=strict` has it.
   */
  function complaints(manifests: Json[]): string {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-manifests-'));
    try {
      symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
      const lines = manifests.map((manifest, index) => {
        const [group = '', version] = `${manifest['apiVersion']}`.includes('/')
          ? `${manifest['apiVersion']}`.split('/')
          : ['core', `${manifest['apiVersion']}`];
        const type = `import('kubernetes-types/${group.split('.')[0]}/${version}').${manifest['kind']}`;
        return `export const manifest${index}: ${type} = ${JSON.stringify(manifest)};`;
      });
      writeFileSync(join(folder, 'manifests.ts'), lines.join('\n'));
      const args = [
        '--noEmit',
        '--strict',
        '--module',
        'esnext',
        '--moduleResolution',
        'bundler',
        '--types',
        '',
        'manifests.ts',
      ];
      const compiler = resolve('node_modules/typescript/bin/tsc');
      return spawnSync(process.execPath, [compiler, ...args], { cwd: folder, encoding: 'utf8' }).stdout;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  it('say nothing that the API does not know, with the patches too', () => {
    expect(complaints([...base(), ...severalStores()])).to.equal('');
  });

  it('would be refused with a key that does not exist, a value of another kind, or without one that is needed', () => {
    const wrong: [string, string][] = [
      ['readinessProbe:', 'readynessProbe:'],
      ['periodSeconds: 2', 'periodSeconds: "2"'],
      ['minReplicas: 2\n  maxReplicas: 10', 'minReplicas: 2'],
      ['emptyDir: {}', 'emptyDirs: {}'],
    ];
    const text = read('deploy/kubernetes/countersign.yaml');
    const changed = wrong.flatMap(([is, was]) => {
      expect(text).to.include(is);
      return parseAllDocuments(text.replaceAll(is, was)).map((one) => one.toJS() as Json);
    });
    const told = complaints(changed);
    for (const word of ['readynessProbe', "'string' is not assignable to type 'number'", 'maxReplicas', 'emptyDirs'])
      expect(told).to.contain(word);
  });

  it('several stores: no REDIS_URL beside storage.yaml, the port of Sentinel open, and both examples are taken', () => {
    expect(kustomization('').resources).to.deep.equal(['countersign.yaml']);
    expect(kustomization('several-stores/').resources).to.deep.equal(['..']);
    expect(JSON.stringify(base())).to.contain('REDIS_URL');
    const changed = JSON.stringify(severalStores());
    expect(changed).to.contain('DATABASE_URL_FILE').and.contain('26379');
    expect(changed).to.not.contain('REDIS_URL');
    for (const name of ['storage-sentinel.yaml', 'storage-cluster.yaml']) {
      const text = read(`deploy/kubernetes/several-stores/${name}`);
      expect(problemsOfStorage(text), name).to.deep.equal([]);
      expect(problemsOfStorage(text.replace('nodes:', 'node:')), name).to.not.have.length(0);
    }
  });
});

/** What the server says against a storage.yaml whose secrets are there. */
function problemsOfStorage(text: string): Problem[] {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-stores-'));
  const url = `postgres://app:${randomBytes(24).toString('hex')}@db-0.db:5432,db-1.db:5432/countersign`;
  try {
    for (const name of ['database-url', 'redis-password', 'sentinel-password'])
      writeFileSync(join(folder, name), name === 'database-url' ? url : randomBytes(24).toString('hex'), {
        mode: 0o600,
      });
    writeFileSync(join(folder, 'storage.yaml'), text.replaceAll('/run/secrets/stores', folder));
    const loaded = loadSettings(folder, {});
    return loaded.ok ? [] : loaded.problems.filter(({ file }) => file.endsWith('storage.yaml'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// A program of Debian's systemd, which `npm test` installs there; other systems have no such units.
if (findProgram('systemd-analyze'))
  describe('deploy/systemd and systemd-analyze', () => {
    /** Runs it on the unit, with the Node of this machine in the place of Debian's. */
    function analyzed(args: string[], change: (unit: string) => string = (unit) => unit) {
      const folder = mkdtempSync(join(tmpdir(), 'countersign-unit-'));
      try {
        const file = join(folder, 'countersign.service');
        const unit = read('deploy/systemd/countersign.service').replaceAll('/usr/bin/node', process.execPath);
        writeFileSync(file, change(unit));
        const { status, stdout, stderr } = spawnSync('systemd-analyze', [...args, file], { encoding: 'utf8' });
        return { status, said: stdout + stderr };
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }

    it('finds nothing to say against the unit', () => {
      expect(analyzed(['verify'])).to.deep.equal({ status: 0, said: '' });
      const wrong = analyzed(['verify'], (unit) => unit.replace('ProtectClock=', 'ProtectClocks='));
      expect(wrong.said).to.contain('ProtectClocks');
    });

    it('lets Node start: V8 asks for protection keys (pkey_alloc), which @system-service of Debian 12 does not have', () => {
      const filter = /^SystemCallFilter=(@.*)$/m.exec(read('deploy/systemd/countersign.service'))?.[1] ?? '';
      const calls = spawnSync('systemd-analyze', ['syscall-filter', '--no-pager', ...filter.split(' ')], {
        encoding: 'utf8',
      });
      expect(calls.stdout).to.contain('pkey_alloc').and.contain('pkey_mprotect');
      expect(read('deploy/systemd/countersign.service')).to.match(/^SystemCallErrorNumber=EPERM$/m);
    });

    it('finds it little exposed: 1.5 of 10 at most', () => {
      const security = ['security', '--offline=true', '--no-pager', '--threshold=15'];
      expect(analyzed(security).status, analyzed(security).said).to.equal(0);
      expect(analyzed(security, (unit) => unit.replace(/^CapabilityBoundingSet=$/m, '')).status).to.not.equal(0);
    });
  });

describe('Dockerfile and its linter', () => {
  const severity = 2 as ValidationSeverity;
  const rules = {
    deprecatedMaintainer: severity,
    directiveCasing: severity,
    emptyContinuationLine: severity,
    instructionCasing: severity,
    instructionCmdMultiple: severity,
    instructionEntrypointMultiple: severity,
    instructionHealthcheckMultiple: severity,
    instructionJSONInSingleQuotes: severity,
    instructionWorkdirRelative: severity,
  };

  it('has no complaint', () => {
    expect(validate(read('Dockerfile'), rules).map(({ message }) => message)).to.deep.equal([]);
  });

  it('would complain of a flag, an instruction or a port that does not exist', () => {
    const text = read('Dockerfile');
    for (const [is, was] of [
      ['--start-period=', '--starting-period='],
      ['WORKDIR /app', 'WORKDIR app'],
      ['EXPOSE 3000', 'EXPOSED 3000'],
      ['EXPOSE 3000', 'EXPOSE http'],
      ['COPY --from=packages', 'COPY --form=packages'],
    ] as const) {
      expect(text).to.include(is);
      expect(validate(text.replace(is, was), rules), was).to.not.have.length(0);
    }
  });
});
