// nginx and HAProxy with the very files of deploy/: only names, ports and certificates are put in the place of the examples.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { findProgram, listens } from './services.ts';

/** What stands where the examples stand. */
export interface ProxyParts {
  port: number;
  certificate: { cert: string; key: string };
  /** Ports of the two nodes, and of their second ports. */
  nodes: readonly [number, number];
  watch: readonly [number, number];
  /** Where certificates of clients are asked for: a name at nginx, a port at HAProxy, whose authorities are these. */
  mutualTls: { port: number; ca: string };
}

/** A running proxy. */
export interface RunningProxy {
  pid: number;
  output(): string;
  close(): Promise<void>;
}

/** Puts each in its place; an example that is not there any more is an error, not a silent pass. */
function adapted(file: string, places: readonly (readonly [string, string])[]): string {
  return places.reduce(
    (text, [example, real]) => {
      if (!text.includes(example)) throw new Error(`${file} says "${example}" no more`);
      return text.replaceAll(example, real);
    },
    readFileSync(file, 'utf8'),
  );
}

/** Starts nginx with `deploy/nginx/countersign.conf`, and what a distribution's nginx.conf has around it. */
export async function startNginx(parts: ProxyParts): Promise<RunningProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-nginx-'));
  const site = adapted('deploy/nginx/countersign.conf', [
    ['listen 443 ssl http2', `listen 127.0.0.1:${parts.port} ssl http2`],
    ['server_name id.example.org phone.example.org', 'server_name localhost'],
    ['/etc/ssl/countersign/fullchain.pem', parts.certificate.cert],
    ['/etc/ssl/countersign/privkey.pem', parts.certificate.key],
    ['10.0.0.11:3000', `127.0.0.1:${parts.nodes[0]}`],
    ['10.0.0.12:3000', `127.0.0.1:${parts.nodes[1]}`],
  ]);
  writeFileSync(join(folder, 'site.conf'), site);
  const certificates = adapted('deploy/nginx/mutual-tls.conf', [
    ['listen 443 ssl http2', `listen 127.0.0.1:${parts.port} ssl http2`],
    ['server_name mtls.example.org', 'server_name mtls.localhost'],
    ['/etc/ssl/countersign/fullchain.pem', parts.certificate.cert],
    ['/etc/ssl/countersign/privkey.pem', parts.certificate.key],
  ]);
  writeFileSync(join(folder, 'certificates.conf'), certificates);
  mkdirSync(join(folder, 'temp'));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/temp/${name};`,
  );
  const around = [
    ...(process.getuid?.() === 0 ? ['user root root;'] : []),
    'worker_processes 1;',
    'daemon off;',
    `pid ${folder}/nginx.pid;`,
    'error_log stderr warn;',
    'events {}',
    `http { access_log off; ${temporary.join(' ')} include ${folder}/site.conf; include ${folder}/certificates.conf; }`,
  ];
  writeFileSync(join(folder, 'nginx.conf'), around.join('\n'));
  return supervised('nginx', ['-e', 'stderr', '-p', folder, '-c', join(folder, 'nginx.conf')], parts.port, folder);
}

/** Starts HAProxy with `deploy/haproxy/haproxy.cfg`. */
export async function startHaproxy(parts: ProxyParts): Promise<RunningProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-haproxy-'));
  const both = join(folder, 'countersign.pem');
  const { cert, key } = parts.certificate;
  writeFileSync(both, readFileSync(cert, 'utf8') + readFileSync(key, 'utf8'), { mode: 0o600 });
  const text = adapted('deploy/haproxy/haproxy.cfg', [
    ['bind :443 ', `bind 127.0.0.1:${parts.port} `],
    ['/etc/haproxy/countersign.pem', both],
    ['check port 9000 ', 'check '],
    ['server one 10.0.0.11:3000', `server one 127.0.0.1:${parts.nodes[0]} port ${parts.watch[0]}`],
    ['server two 10.0.0.12:3000', `server two 127.0.0.1:${parts.nodes[1]} port ${parts.watch[1]}`],
  ]);
  writeFileSync(join(folder, 'haproxy.cfg'), text);
  const certificates = adapted('deploy/haproxy/mutual-tls.cfg', [
    ['bind :8443 ', `bind 127.0.0.1:${parts.mutualTls.port} `],
    ['/etc/haproxy/countersign.pem', both],
    ['/etc/haproxy/client-ca.pem', parts.mutualTls.ca],
  ]);
  writeFileSync(join(folder, 'certificates.cfg'), certificates);
  const files = ['haproxy.cfg', 'certificates.cfg'].flatMap((file) => ['-f', join(folder, file)]);
  return supervised('haproxy', ['-db', ...files], parts.port, folder);
}

/** Starts HAProxy with `deploy/compose/haproxy.cfg`. @param demo the port of the demo service, and the name that leads to it. */
export async function startComposeProxy(
  parts: ProxyParts,
  demo: { host: string; port: number },
): Promise<RunningProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-haproxy-'));
  const both = join(folder, 'countersign.pem');
  const { cert, key } = parts.certificate;
  writeFileSync(both, readFileSync(cert, 'utf8') + readFileSync(key, 'utf8'), { mode: 0o600 });
  const text = adapted('deploy/compose/haproxy.cfg', [
    ['bind :443 ', `bind 127.0.0.1:${parts.port} `],
    ['/etc/haproxy/countersign.pem', both],
    ['check port 9000 ', 'check '],
    ['server one provider-one:3000', `server one 127.0.0.1:${parts.nodes[0]} port ${parts.watch[0]}`],
    ['server two provider-two:3000', `server two 127.0.0.1:${parts.nodes[1]} port ${parts.watch[1]}`],
    ['server demo demo:3001', `server demo 127.0.0.1:${demo.port}`],
  ]);
  writeFileSync(join(folder, 'haproxy.cfg'), text);
  const args = ['-db', '-f', join(folder, 'haproxy.cfg')];
  return supervised('haproxy', args, parts.port, folder, { DEMO_HOST: demo.host });
}

async function supervised(
  name: string,
  args: string[],
  port: number,
  folder: string,
  environment: { [name: string]: string } = {},
): Promise<RunningProxy> {
  const program = findProgram(name);
  if (program === undefined) throw new Error(`${name} is not on this machine; \`npm test\` installs it or says how`);
  let said = '';
  const child: ChildProcess = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  const onExit = () => child.kill('SIGTERM');
  process.once('exit', onExit);
  const deadline = performance.now() + 20_000;
  while (!(await listens(port))) {
    if (child.exitCode !== null || performance.now() > deadline) throw new Error(`${name} does not start:\n${said}`);
    await wait(20);
  }
  return {
    pid: child.pid ?? 0,
    output: () => said,
    close: async () => {
      process.off('exit', onExit);
      if (child.exitCode === null) {
        const gone = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGTERM');
        await gone;
      }
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
