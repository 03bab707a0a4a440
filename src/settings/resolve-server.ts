// server.yaml and the environment together: issuer, port, demo.
import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { certificatesOf } from '../platform/certificates.ts';
import { isLoopback, isNetwork, originFault, parseUrl } from './addresses.ts';
import type { Document } from './document.ts';
import type { Findings } from './problems.ts';
import { checkFileMode, type Environment } from './reading.ts';
import { Secret } from './secret.ts';
import type { ServerFile } from './sections/server.ts';
import type { ServerSettings } from './settings.ts';

function portFromEnvironment(
  name: 'PORT' | 'WATCH_PORT',
  least: 0 | 1,
  environment: Environment,
  findings: Findings,
): number | undefined {
  const text = environment[name];
  if (!text) return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1;
  if (port >= least && port <= 65_535) return port;
  findings.problems.push({
    file: 'environment',
    key: name,
    rule: `must be a number from ${least} to 65535`,
    value: JSON.stringify(text.slice(0, 40)),
  });
  return undefined;
}

/** The second port of a production server. */
const WATCH_PORT = 9000;

/** The issuer with another port, for the demo on a port that was asked for. */
function moved(issuer: URL, port: number): string {
  const url = new URL(issuer);
  url.port = String(port);
  return url.origin;
}

function checkServer(document: Document, file: ServerFile, loopback: boolean): void {
  const rule = originFault(file.issuer);
  if (rule !== undefined) document.problem(['issuer'], rule);
  if (file.demo && !loopback) document.problem(['demo'], 'demo: true works only with an issuer on localhost');
  const https = file.issuer.startsWith('https:');
  if (file.post_authorization && !https)
    document.problem(['post_authorization'], 'needs an https issuer: its cookies are SameSite=None');
  if (file.tls && !https) document.problem(['tls'], 'with a certificate the issuer starts with https://');
  file.trusted_proxies.forEach((network, index) => {
    if (!isNetwork(network))
      document.problem(['trusted_proxies', index], 'must be a network such as 10.0.0.0/8 or an address');
    else if (network.endsWith('/0'))
      document.problem(['trusted_proxies', index], 'would believe everybody: name the networks of your proxies');
  });
  if (https && !file.tls && file.trusted_proxies.length === 0) {
    document.note(
      ['issuer'],
      'is https, but neither tls nor trusted_proxies is set: who ends TLS in front of us, and is it trusted?',
    );
  }
}

/** Our certificate with its key, seen to belong together: what cannot be served is told now and not by browsers. */
function ownCertificate(document: Document, file: ServerFile, folder: string): ServerSettings['tls'] {
  if (!file.tls) return undefined;
  const certFile = resolve(folder, file.tls.cert_file);
  const keyFile = resolve(folder, file.tls.key_file);
  const told = (key: 'cert_file' | 'key_file', rule: string) => document.problem(['tls', key], rule);
  const read = (key: 'cert_file' | 'key_file', path: string): string | undefined => {
    if (!existsSync(path)) return void told(key, 'names a file that does not exist');
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return void told(key, 'names a file that cannot be read');
    }
  };
  const certificate = read('cert_file', certFile);
  const key = read('key_file', keyFile);
  if (key !== undefined) checkFileMode(document, ['tls', 'key_file'], keyFile);
  const first = certificate === undefined ? undefined : firstOf(certificate);
  const pair = key === undefined ? undefined : privateKeyOf(key);
  if (certificate !== undefined && !first)
    told('cert_file', 'must have a certificate, PEM, with those between it and its authority after it');
  if (key !== undefined && !pair) told('key_file', 'must have a private key, PEM, without a pass phrase');
  if (first && pair && !first.checkPrivateKey(pair))
    told('key_file', 'has the key of another certificate than cert_file');
  if (certificate === undefined || key === undefined) return undefined;
  return { certFile, keyFile, certificate: new Secret(certificate, certFile), key: new Secret(key, keyFile) };
}

function firstOf(pem: string): X509Certificate | undefined {
  try {
    return certificatesOf(pem)[0];
  } catch {
    return undefined;
  }
}

function privateKeyOf(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

/** Headers that have a meaning of their own already. */
const TAKEN = /^(x-forwarded-.*|forwarded|host|authorization|cookie|dpop|origin|content-.*|sec-.*)$/i;

function mutualTls(document: Document, file: ServerFile, folder: string): ServerSettings['mtls'] {
  const { mtls } = file;
  if (!mtls) return undefined;
  const { certificate_header: header, client_ca_file, origin } = mtls;
  if (file.trusted_proxies.length === 0)
    document.problem(['mtls'], 'needs trusted_proxies: without one nobody is believed about certificates');
  if (TAKEN.test(header)) document.problem(['mtls', 'certificate_header'], 'is a header with another meaning');
  const rule = origin === undefined ? undefined : originFault(origin);
  if (rule !== undefined) document.problem(['mtls', 'origin'], rule);
  else if (origin === file.issuer) document.problem(['mtls', 'origin'], 'is the issuer: leave it out');
  const authorities =
    client_ca_file === undefined
      ? undefined
      : readAuthorities(document, ['mtls', 'client_ca_file'], resolve(folder, client_ca_file));
  return { header, ...(authorities === undefined ? {} : { authorities }), ...(origin === undefined ? {} : { origin }) };
}

/** Reads certificates of authorities; what is wrong with them is told of the key. */
export function readAuthorities(document: Document, key: readonly string[], path: string): string | undefined {
  const told = (rule: string) => document.problem(key, rule);
  try {
    const pem = readFileSync(path, 'utf8');
    const found = certificatesOf(pem);
    if (found.length > 0 && found.every(({ ca }) => ca)) return pem;
    told('must have certificates of authorities (CA:TRUE), PEM, and no others');
  } catch {
    told('names a file that cannot be read, or has a certificate that cannot');
  }
  return undefined;
}

/** The server's settings. PORT and HOST win; in the demo PORT also moves the port of a loopback issuer. */
export function resolveServer(
  document: Document,
  file: ServerFile,
  folder: string,
  environment: Environment,
  findings: Findings,
): ServerSettings {
  const url = parseUrl(file.issuer);
  const loopback = url !== undefined && isLoopback(url.hostname);
  checkServer(document, file, loopback);
  const asked = portFromEnvironment('PORT', 1, environment, findings);
  const demo = file.demo && loopback;
  const ownPort = loopback && url.port !== '' ? Number(url.port) : 3000;
  const port = asked ?? file.port ?? ownPort;
  const move = demo && url !== undefined && asked !== undefined && String(asked) !== url.port;
  const issuer = move ? moved(url, asked) : file.issuer;
  const watchPort =
    portFromEnvironment('WATCH_PORT', 0, environment, findings) ?? file.watch.port ?? (demo ? 0 : WATCH_PORT);
  if (watchPort === port) document.problem(['watch', 'port'], 'must be another port than the one that everybody uses');
  const tls = ownCertificate(document, file, folder);
  const mtls = mutualTls(document, file, folder);
  if (move) findings.notes.push(`environment: PORT moves the demo's issuer from ${file.issuer} to ${issuer}`);
  return {
    issuer,
    host: environment.HOST || file.host,
    port,
    demo,
    dataFolder: resolve(folder, file.data_folder),
    trustedProxies: file.trusted_proxies,
    ...(tls ? { tls } : {}),
    ...(mtls ? { mtls } : {}),
    postAuthorization: file.post_authorization,
    ...(watchPort > 0 ? { watch: { host: file.watch.host, port: watchPort } } : {}),
    shutdown: { delay: file.shutdown.delay ?? (demo ? 0 : 5), grace: file.shutdown.grace },
    reloadOnChange: file.reload_on_change,
    logLevel: file.log_level,
  };
}

/** What the demo is, told before anything else is read: `demo: true` and a loopback issuer. */
export function isDemo(file: ServerFile | undefined): boolean {
  const url = parseUrl(file?.issuer ?? '');
  return file?.demo === true && url !== undefined && isLoopback(url.hostname);
}

/** Where server.yaml is of no use: stands in, so that the other files can still be checked. */
export function standInServer(folder: string): ServerSettings {
  return {
    issuer: 'https://issuer.invalid',
    host: '127.0.0.1',
    port: 3000,
    demo: false,
    dataFolder: resolve(folder, '../data'),
    trustedProxies: [],
    postAuthorization: false,
    shutdown: { delay: 0, grace: 30 },
    reloadOnChange: false,
    logLevel: 'info',
  };
}
