// The image, compose.yaml, the manifests and the unit: there is no container engine here, so what they name is held against what is there.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { expect } from 'chai';
import { parse, parseAllDocuments } from 'yaml';
import { inContext, instructions } from '../support/dockerfile.ts';

const read = (path: string): string => readFileSync(path, 'utf8');

/** The package of a module: `preact` of `preact/jsx-runtime`. */
const packageOf = (module: string): string =>
  module
    .split('/')
    .slice(0, module.startsWith('@') ? 2 : 1)
    .join('/');

/** Whether the context that is sent to the engine has a path. */
const sent = (path: string): boolean => inContext(relative('.', resolve(path)), read('.dockerignore'));

describe('Dockerfile', function () {
  this.timeout(300_000);
  const all = instructions(read('Dockerfile'));
  const stages = all.filter(({ name }) => name === 'FROM').map(({ text }) => / AS (\S+)$/i.exec(text)?.[1] ?? '');
  const last = all.slice(all.findLastIndex(({ name }) => name === 'FROM'));

  it('copies only what the context or an earlier stage has', () => {
    for (const { text } of all.filter(({ name }) => name === 'COPY')) {
      const words = text.split(/\s+/);
      const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length);
      const sources = words.filter((word) => !word.startsWith('--')).slice(0, -1);
      expect(sources, text).to.not.have.length(0);
      if (from !== undefined) expect(stages).to.include(from);
      else
        for (const source of sources)
          expect(existsSync(source) && (source === '.' || sent(source)), source).to.equal(true);
    }
  });

  it('runs as a user that is not root, on the same Node in each stage, with nothing but the production packages', () => {
    expect(last.filter(({ name }) => name === 'USER').at(-1)?.text).to.equal('node');
    expect(last.findIndex(({ name }) => name === 'USER')).to.be.below(last.findIndex(({ name }) => name === 'CMD'));
    const bases = all.filter(({ name }) => name === 'FROM').map(({ text }) => text.split(' ')[0]);
    expect(new Set(bases).size).to.equal(1);
    const runs = all.filter(({ name }) => name === 'RUN').map(({ text }) => text);
    expect(runs.some((text) => text.includes('npm ci --omit=dev'))).to.equal(true);
    expect(last.some(({ text }) => text.startsWith('--from=packages') && text.includes('node_modules'))).to.equal(true);
  });

  it('gives the demo every package that it imports', () => {
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: object };
    const start = all.findIndex(({ text }) => / AS demo$/.test(text));
    const rest = all.slice(start + 1);
    const stage = rest.slice(
      0,
      rest.findIndex(({ name }) => name === 'FROM'),
    );
    const copied = stage.flatMap(({ text }) => / node_modules\/(\S+)$/.exec(text)?.[1] ?? []);
    const has = new Set([...Object.keys(dependencies), ...copied]);
    const seen = new Set<string>();
    const imports = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      for (const [, name = ''] of read(file).matchAll(/^(?:import|export) (?!type ).*?from '([^']+)';$/gms))
        if (name.startsWith('.')) imports(join(file, '..', name));
        else if (!name.startsWith('node:')) expect(has, `${file} imports ${name}`).to.include(packageOf(name));
    };
    imports('examples/demo-service/main.ts');
    expect(seen.size).to.be.above(8);
    for (const name of copied) {
      const needs = JSON.parse(read(join('node_modules', name, 'package.json'))) as { dependencies?: object };
      for (const other of Object.keys(needs.dependencies ?? {}))
        expect(has, `${name} needs ${other}`).to.include(other);
    }
  });

  it('asks the second port for its health, by a program that ends with 1 where nobody answers', () => {
    const check = last.find(({ name }) => name === 'HEALTHCHECK')?.text ?? '';
    const [program, ...args] = JSON.parse(check.slice(check.indexOf('['))) as string[];
    expect(program).to.equal('node');
    expect(args.join(' ')).to.contain('/health/ready');
    const run = () =>
      execFileSync(process.execPath, args, { env: { ...process.env, WATCH_PORT: '1' }, stdio: 'ignore' });
    expect(run).to.throw();
  });

  it('builds from its context alone: the folder has all that the build step and the server need', () => {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-image-'));
    try {
      const context = join(folder, 'build');
      cpSync('.', context, {
        recursive: true,
        filter: (path) => path === '.' || (sent(path) && !path.includes('/node_modules')),
      });
      // npm ci needs a registry: the packages of this folder stand in for its result.
      symlinkSync(resolve('node_modules'), join(context, 'node_modules'));
      execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: context, stdio: ['ignore', 'ignore', 'pipe'] });
      const image = join(folder, 'app');
      for (const path of ['package.json', 'dist']) cpSync(join(context, path), join(image, path), { recursive: true });
      symlinkSync(resolve('node_modules'), join(image, 'node_modules'));
      const help = execFileSync(process.execPath, ['dist/src/main.js', 'serve', '--help'], {
        cwd: image,
        encoding: 'utf8',
      });
      expect(help).to.contain('--workers');
      for (const built of ['assets', 'phone/index.html', 'phone/service-worker.js'])
        expect(existsSync(join(image, 'dist', built)), built).to.equal(true);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('compose.yaml', () => {
  interface ComposeService {
    depends_on?: Record<string, { condition: string }>;
    healthcheck?: object;
    build?: string | { target: string };
    profiles?: string[];
    read_only?: boolean;
    secrets?: string[];
    volumes?: string[];
    networks?: string[] | object;
    stop_grace_period?: string;
    environment?: Record<string, string>;
  }
  const compose = parse(read('compose.yaml'), { merge: true }) as {
    services: Record<string, ComposeService>;
    secrets: object;
    volumes: object;
    networks: object;
  };

  it('names only services, secrets, volumes and networks that it has, and files of this repository that exist', () => {
    for (const [name, service] of Object.entries(compose.services)) {
      for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
        const found = compose.services[other];
        expect(found, `${name} depends on ${other}`).to.not.equal(undefined);
        if (condition === 'service_healthy')
          expect(found?.healthcheck !== undefined || found?.build !== undefined, `${other} says how it is`).to.equal(
            true,
          );
      }
      expect(Object.keys(compose.secrets), name).to.include.members(service.secrets ?? []);
      expect(Object.keys(compose.networks), name).to.include.members(
        Array.isArray(service.networks) ? service.networks : Object.keys(service.networks ?? {}),
      );
      for (const volume of service.volumes ?? []) {
        const [source = ''] = volume.split(':');
        if (!source.startsWith('.')) expect(Object.keys(compose.volumes), name).to.include(source);
        else if (!/^\.\/(production|secrets)/.test(source)) expect(existsSync(source), source).to.equal(true);
      }
    }
  });

  it('has two nodes with a root that cannot be written to, and time to leave', () => {
    const nodes = Object.values(compose.services).filter(({ build }) => build === '.');
    expect(nodes).to.have.length(2);
    for (const node of nodes) {
      expect(node.read_only).to.equal(true);
      expect(Number.parseInt(node.stop_grace_period ?? '', 10)).to.be.at.least(5 + 30 + 5);
    }
  });

  it('has the demo only where it is asked for, as an image of its own', () => {
    expect(compose.services['demo']).to.deep.include({ profiles: ['demo'], read_only: true });
    expect(compose.services['demo']?.build).to.deep.equal({ context: '.', target: 'demo' });
    expect(read('Dockerfile')).to.match(/^FROM \S+ AS demo$/m);
  });

  it('has the very proxy that the tests run, with its own names and the demo besides', () => {
    const rules = (text: string) =>
      text
        .split('\n')
        .filter((line) => !/^ *#/.test(line))
        .join('\n');
    const only = [
      /^resolvers docker\n.*\n/m,
      / init-addr last,libc,none resolvers docker/g,
      / *use_backend demo .*\n/,
      /^backend demo\n.*\n/m,
    ];
    const own = only
      .reduce((text, part) => text.replace(part, ''), rules(read('deploy/compose/haproxy.cfg')))
      .replace('provider-one', '10.0.0.11')
      .replace('provider-two', '10.0.0.12');
    expect(own.trim()).to.equal(rules(read('deploy/haproxy/haproxy.cfg')).trim());
  });
});

describe('deploy/kubernetes', () => {
  interface Labels {
    [name: string]: string;
  }
  interface Pod {
    metadata: { labels: Labels };
    spec: {
      terminationGracePeriodSeconds?: number;
      securityContext: { runAsNonRoot?: boolean };
      containers: {
        name: string;
        ports?: { name: string }[];
        securityContext: { readOnlyRootFilesystem?: boolean; allowPrivilegeEscalation?: boolean };
        volumeMounts: { name: string }[];
        [probe: `${string}Probe`]: { httpGet: { path: string; port: string } };
      }[];
      volumes: { name: string }[];
    };
  }
  interface Manifest {
    apiVersion: string;
    kind: string;
    metadata: { name: string; namespace: string };
    spec: {
      template: Pod;
      selector: Labels & { matchLabels: Labels };
      ports: { targetPort: string }[];
      scaleTargetRef: { kind: string; name: string };
      podSelector: { matchLabels: Labels };
    };
  }
  const manifests = parseAllDocuments(read('deploy/kubernetes/countersign.yaml')).map((document) => {
    expect(document.errors).to.deep.equal([]);
    return document.toJS() as Manifest;
  });
  const of = (kind: string): Manifest => {
    const found = manifests.find((manifest) => manifest.kind === kind);
    if (!found) throw new Error(`no ${kind}`);
    return found;
  };
  const selects = (labels: Labels): boolean => {
    const pod = of('Deployment').spec.template.metadata.labels;
    return Object.entries(labels).every(([name, value]) => pod[name] === value);
  };

  it('has each kind in the version of the API that serves it, all in one namespace', () => {
    expect(manifests.map(({ kind, apiVersion }) => `${kind} ${apiVersion}`).sort()).to.deep.equal([
      'Deployment apps/v1',
      'HorizontalPodAutoscaler autoscaling/v2',
      'Job batch/v1',
      'NetworkPolicy networking.k8s.io/v1',
      'PodDisruptionBudget policy/v1',
      'Service v1',
    ]);
    expect(new Set(manifests.map(({ metadata }) => metadata.namespace)).size).to.equal(1);
  });

  it('selects its pods everywhere, and the job is none of them', () => {
    expect(selects(of('Deployment').spec.selector.matchLabels)).to.equal(true);
    expect(selects(of('Service').spec.selector)).to.equal(true);
    expect(selects(of('PodDisruptionBudget').spec.selector.matchLabels)).to.equal(true);
    expect(selects(of('NetworkPolicy').spec.podSelector.matchLabels)).to.equal(true);
    const job = of('Job').spec.template.metadata.labels;
    const service = of('Service').spec.selector;
    expect(Object.entries(service).every(([name, value]) => job[name] === value)).to.equal(false);
    expect(of('HorizontalPodAutoscaler').spec.scaleTargetRef).to.include({ kind: 'Deployment', name: 'countersign' });
  });

  it('asks for health where it is answered, mounts what there is, and runs as nobody special', () => {
    const { spec } = of('Deployment').spec.template;
    const [container] = spec.containers;
    const ports = container?.ports?.map(({ name }) => name) ?? [];
    expect(ports).to.include(of('Service').spec.ports[0]?.targetPort);
    for (const [probe, path] of [
      ['startupProbe', '/health/started'],
      ['livenessProbe', '/health/live'],
      ['readinessProbe', '/health/ready'],
    ] as const) {
      expect(container?.[probe]?.httpGet).to.deep.equal({ path, port: 'watch' });
      expect(read('src/api/watch.ts')).to.contain(`'${path}'`);
    }
    expect(ports).to.include('watch');
    expect(spec.terminationGracePeriodSeconds).to.be.at.least(5 + 30 + 5);
    for (const { spec: pod } of [of('Deployment').spec.template, of('Job').spec.template]) {
      expect(pod.securityContext.runAsNonRoot).to.equal(true);
      for (const one of pod.containers) {
        expect(one.securityContext).to.include({ readOnlyRootFilesystem: true, allowPrivilegeEscalation: false });
        expect(pod.volumes.map(({ name }) => name)).to.include.members(one.volumeMounts.map(({ name }) => name));
      }
    }
  });
});

describe('deploy/systemd', () => {
  const unit = read('deploy/systemd/countersign.service');
  const values = (key: string) => [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value ?? '');

  it('starts what there is, leaves it time to end, and lets it write to its own folder only', () => {
    expect(values('ExecStart')).to.deep.equal(['/usr/bin/node dist/src/main.js serve --workers 2']);
    expect(Number(values('TimeoutStopSec')[0])).to.be.at.least(5 + 30 + 5);
    expect(values('KillMode'), 'the watching process passes SIGTERM on').to.deep.equal(['mixed']);
    expect(values('User')).to.deep.equal(['countersign']);
    expect(values('ProtectSystem')).to.deep.equal(['strict']);
    expect(values('NoNewPrivileges')).to.deep.equal(['true']);
    const names = values('Environment').join(' ');
    for (const name of ['DATABASE_URL_FILE', 'REDIS_URL_FILE', 'COUNTERSIGN_CONFIG'])
      expect(names).to.contain(`${name}=`);
  });
});
