// Where each setting comes from: `countersign config show --origins`.
import { expect } from 'chai';
import { Command } from 'commander';
import { addConfigCommands } from '../../src/cli/config.ts';
import type { Environment } from '../../src/settings/reading.ts';
import { type Files, folderOf } from './folders.ts';

describe('config show --origins', () => {
  async function show(files: Files, environment: Environment = {}, ...words: string[]): Promise<string[]> {
    const lines: string[] = [];
    const deps = { print: (line: string) => lines.push(line), complain: (line: string) => lines.push(`! ${line}`) };
    const program = new Command();
    addConfigCommands(program, { environment, ...deps, exitCode: (code) => lines.push(`exit ${code}`) });
    const command = ['config', 'show', '--origins', ...words, '--config', folderOf(files)];
    await program.parseAsync(command, { from: 'user' });
    return lines;
  }

  const FILES: Files = {
    'server.yaml': [
      '# a comment',
      'issuer: http://localhost:3000',
      'demo: true',
      'watch:',
      '  host: 127.0.0.2',
      'trusted_proxies: [10.0.0.0/8, 192.0.2.0/24]',
      '',
    ].join('\n'),
    'lifetimes.yaml': 'session: { absolute: 8h }\n',
    'levels.yaml': 'levels:\n  - name: one\n    acr: [urn:x]\n    any_of: [[password]]\n',
    'clients/shop.yaml': [
      'client_id: shop',
      'client_name: Shop',
      `client_secret: ${'$'}{env:SHOP_SECRET}`,
      'redirect_uris: [http://localhost:4000/cb]',
      '',
    ].join('\n'),
  };
  const ENVIRONMENT = {
    SHOP_SECRET: 'Zr9pLANTED7hiddenQ2Zr9pLANTED7hiddenQ2',
    PORT: '3005',
    DATABASE_URL: 'postgres://a:Zr9pLANTED7hiddenQ2@db.example.org/app',
  };

  it('tells line, default or variable of each key, and no secret', async () => {
    const told = await show(FILES, ENVIRONMENT);
    expect(told).to.include.members([
      'server.yaml:2: issuer: "http://localhost:3000"',
      'server.yaml:5: watch.host: "127.0.0.2"',
      'server.yaml:6: trusted_proxies: ["10.0.0.0/8", "192.0.2.0/24"]',
      'server.yaml: host: "127.0.0.1"  (default)',
      'server.yaml: port: "3005"  (environment PORT)',
      'storage.yaml: database.url: [secret]  (environment DATABASE_URL)',
      'lifetimes.yaml:1: session.absolute: "8h"',
      'lifetimes.yaml: code: 60  (default)',
      'levels.yaml:2: levels[0].name: "one"',
      'levels.yaml:4: levels[0].any_of: [["password"]]',
      'clients/shop.yaml:2: client_name: "Shop"',
      'clients/shop.yaml:3: client_secret: [secret]  (environment SHOP_SECRET)',
      'clients/shop.yaml: first_party: false  (default)',
      "note: environment: PORT moves the demo's issuer from http://localhost:3000 to http://localhost:3005",
    ]);
    expect(told.join('\n')).not.to.contain('PLANTED');
    expect(new Set(told).size, 'each key once').to.equal(told.length);
  });

  it('leaves out what a variable has taken the place of', async () => {
    const told = await show(
      { ...FILES, 'storage.yaml': 'database: { url_file: ./secrets/database }\n' },
      { ...ENVIRONMENT, HOST_FILE: '/nowhere' },
    );
    expect(told.filter((line) => line.includes('database.url'))).to.deep.equal([
      'storage.yaml: database.url: [secret]  (environment DATABASE_URL)',
    ]);
    expect(told, 'no variable that is read').to.include('server.yaml: host: "127.0.0.1"  (default)');
  });

  it('says the same as JSON', async () => {
    const told = await show(FILES, { SHOP_SECRET: ENVIRONMENT.SHOP_SECRET }, '--json');
    const origins = JSON.parse(told.find((line) => line.startsWith('[')) ?? '') as object[];
    expect(origins).to.deep.include({ file: 'server.yaml', key: 'demo', value: 'true', from: 'file', line: 3 });
    expect(origins).to.deep.include({ file: 'lifetimes.yaml', key: 'code', value: '60', from: 'default' });
  });

  it('tells mistakes instead where there are any', async () => {
    const told = await show({ ...FILES, 'lifetimes.yaml': 'sesion: {}\n' }, ENVIRONMENT);
    expect(told.join('\n')).to.contain('! lifetimes.yaml:1:1: sesion').and.contain('exit 1').and.not.contain('issuer:');
  });
});
