// The package as npm would give it to somebody: packed, unpacked beside jose alone, imported by plain Node, and type-checked against each framework.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from 'chai';

const PACKAGE = 'packages/step-up';
const ENTRIES = ['', '/client', '/koa', '/express', '/fastify', '/fetch'];

/** A service of each framework. */
const SERVICE = `
import { ResourceServer, parseChallenge } from 'countersign-step-up';
import { guard as koaGuard, tokenOf } from 'countersign-step-up/koa';
import { guard as expressGuard } from 'countersign-step-up/express';
import { guard as fastifyGuard } from 'countersign-step-up/fastify';
import { guard as fetchGuard } from 'countersign-step-up/fetch';
import Koa from 'koa';
import express from 'express';
import fastify from 'fastify';
const server = new ResourceServer({ issuer: 'https://id.example.org', audience: 'https://api.example.org' });
new Koa().use(koaGuard(server, { level: 'mfa' })).use((ctx) => { ctx.body = tokenOf(ctx).subject; });
express().get('/', expressGuard(server, { maxAge: 60 }), (request, response) => { response.json(tokenOf(request).acr); });
fastify().get('/', { preHandler: fastifyGuard(server) }, async (request) => tokenOf(request).amr);
const handler: (request: Request) => Promise<Response> = fetchGuard(server, {}, (_request, { subject }) => new Response(subject));
// Types that were lost on the way would take anything.
// @ts-expect-error
koaGuard(server, { levell: 'mfa' });
console.log(handler.name, parseChallenge('Bearer')?.scheme);
`;

describe('step-up package: as npm gives it', function () {
  this.timeout(120_000);
  let folder: string;
  const tsc = (...args: string[]) =>
    execFileSync(process.execPath, [resolve('node_modules/typescript/bin/tsc'), ...args], {
      encoding: 'utf8',
      cwd: folder,
    });
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'countersign-package-'));
    const home = join(folder, 'node_modules', 'countersign-step-up');
    mkdirSync(home, { recursive: true });
    tsc('-p', resolve(PACKAGE, 'tsconfig.json'), '--outDir', join(home, 'dist'));
    cpSync(join(PACKAGE, 'package.json'), join(home, 'package.json'));
    symlinkSync(resolve('node_modules/jose'), join(folder, 'node_modules', 'jose'));
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('needs jose only, of the version that we test with', () => {
    const read = (path: string) =>
      JSON.parse(readFileSync(path, 'utf8')) as { dependencies: { [name: string]: string } };
    expect(read(join(PACKAGE, 'package.json')).dependencies).to.deep.equal({
      jose: read('package.json').dependencies['jose'],
    });
  });

  it('is imported by plain Node where nothing but jose is installed', () => {
    const lines = ENTRIES.map(
      (entry) => `console.log(Object.keys(await import('countersign-step-up${entry}')).join());`,
    );
    writeFileSync(join(folder, 'all.js'), lines.join('\n'));
    const out = execFileSync(process.execPath, ['all.js'], { encoding: 'utf8', cwd: folder });
    const guards = Array.from({ length: 4 }, () => 'guard,tokenOf');
    expect(out.trim().split('\n')).to.deep.equal([
      'COUNTERSIGN_LEVELS,MemoryReplayStore,ResourceServer,authorizationParameters,certificateFromHeader,parseChallenge,tokenOf',
      'authorizationParameters,parseChallenge',
      ...guards,
    ]);
  });

  it('has types that fit Koa, Express, Fastify and fetch', () => {
    for (const name of ['koa', 'express', 'fastify', '@types'])
      symlinkSync(resolve('node_modules', name), join(folder, 'node_modules', name));
    writeFileSync(join(folder, 'service.ts'), SERVICE);
    const options = {
      strict: true,
      module: 'nodenext',
      target: 'es2024',
      noEmit: true,
      skipLibCheck: true,
      types: ['node'],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['service.ts'] }));
    expect(tsc('-p', 'tsconfig.json')).to.equal('');
  });
});
