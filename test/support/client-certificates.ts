// Certificates of clients, made by openssl: of an authority, of a stranger, and of their own.
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A certificate with its key, as files and read. */
export interface ClientCertificate {
  certFile: string;
  keyFile: string;
  pem: string;
  x509: X509Certificate;
}

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' });

function read(certFile: string, keyFile: string): ClientCertificate {
  const pem = readFileSync(certFile, 'utf8');
  return { certFile, keyFile, pem, x509: new X509Certificate(pem) };
}

/** A certificate that signs itself; one of an authority unless `-addext` words say otherwise. */
export function selfSigned(folder: string, name: string, subject: string, ...words: string[]): ClientCertificate {
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  openssl('req', '-x509', ...EC, '-keyout', key, '-out', cert, '-days', '1', '-utf8', '-subj', subject, ...words);
  return read(cert, key);
}

/** A certificate that an authority signed. @param extensions lines of openssl's configuration. */
export function signed(
  folder: string,
  name: string,
  authority: ClientCertificate,
  subject: string,
  extensions: string,
): ClientCertificate {
  const at = (ending: string) => join(folder, `${name}.${ending}`);
  writeFileSync(at('cnf'), `${extensions}\n`);
  openssl('req', ...EC, '-keyout', at('key'), '-out', at('csr'), '-utf8', '-subj', subject);
  const by = ['-CA', authority.certFile, '-CAkey', authority.keyFile, '-CAcreateserial', '-extfile', at('cnf')];
  openssl('x509', '-req', '-in', at('csr'), ...by, '-days', '1', '-out', at('pem'));
  return read(at('pem'), at('key'));
}
