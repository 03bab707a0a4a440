// Certificates of clients (RFC 8705): read from a proxy's header, checked against authorities that the operator trusts, compared with a name.
import { X509Certificate } from 'node:crypto';

/** extKeyUsage of a certificate for clients of TLS (RFC 5280 section 4.2.1.12). */
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

/** Longest header that is read: Node takes no more for all headers together. */
const LONGEST = 16_384;

function decoded(value: string): Buffer | string | undefined {
  // RFC 9440: a byte sequence of structured fields.
  const [, field] = /^:([A-Za-z0-9+/]+=*):$/.exec(value) ?? [];
  if (field !== undefined) return Buffer.from(field, 'base64');
  if (/^-----BEGIN(%20| )CERTIFICATE-----/.test(value)) return decodeURIComponent(value);
  return /^[A-Za-z0-9+/]+=*$/.test(value) ? Buffer.from(value, 'base64') : undefined;
}

/**
 * The certificate of a header: PEM with percent signs (nginx, `$ssl_client_escaped_cert`), DER in base64 (HAProxy,
 * `%[ssl_c_der,base64]`) or as RFC 9440 has it. Undefined where it is none, or more than one.
 */
export function certificateOf(header: string | undefined): X509Certificate | undefined {
  if (!header || header.length > LONGEST) return undefined;
  try {
    const value = decoded(header.trim());
    return value === undefined ? undefined : new X509Certificate(value);
  } catch {
    return undefined;
  }
}

/** The certificates of a PEM file. @throws where one cannot be read. */
export function certificatesOf(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

const holds = (certificate: X509Certificate, now: number) =>
  Date.parse(certificate.validFrom) <= now && now < Date.parse(certificate.validTo);

/** Whether one of the authorities signed a certificate itself, for clients, and both hold now (milliseconds). Revocation is the proxy's to check. */
export function signedBy(authorities: readonly X509Certificate[], certificate: X509Certificate, now: number): boolean {
  const uses = certificate.keyUsage as readonly string[] | undefined;
  if (!holds(certificate, now) || (uses !== undefined && !uses.includes(CLIENT_AUTH))) return false;
  return authorities.some(
    (authority) =>
      authority.ca &&
      holds(authority, now) &&
      certificate.checkIssued(authority) &&
      certificate.verify(authority.publicKey),
  );
}

/** What a client's certificate is known by (RFC 8705 section 2.1.2). */
export type CertificateName =
  | 'tls_client_auth_subject_dn'
  | 'tls_client_auth_san_dns'
  | 'tls_client_auth_san_uri'
  | 'tls_client_auth_san_ip'
  | 'tls_client_auth_san_email';

/** A distinguished name in its parts, from the last to the first as RFC 4514 writes it, without what is only spelling. */
function parts(name: string, separator: RegExp): string {
  const each = name.split(separator).map((part) => {
    const at = part.indexOf('=');
    return [part.slice(0, at).trim().toUpperCase(), plain(part.slice(at + 1).trim())];
  });
  return JSON.stringify(each);
}

const plain = (value: string) =>
  value
    .replace(/(?:\\[0-9a-f]{2})+/gi, (bytes) => Buffer.from(bytes.replaceAll('\\', ''), 'hex').toString('utf8'))
    .replace(/\\(.)/g, '$1');

/** Node writes the parts in the certificate's order, a line each. */
function sameSubject(subject: string | undefined, wanted: string): boolean {
  if (!subject) return false;
  const turned = subject.split('\n').reverse().join('\n');
  return parts(turned, /\n/) === parts(wanted, /(?<!\\),/);
}

/** One entry a time; an entry with anything odd in it stands in quotes, so that it cannot look like two. */
function hasUri(names: string | undefined, wanted: string): boolean {
  const entries = [...(names ?? '').matchAll(/(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)/gy)];
  return entries.some(([, kind, value]) => kind === 'URI' && value === wanted);
}

/** Whether a certificate carries the name that a client registered. */
export function isNamed(certificate: X509Certificate, by: CertificateName, wanted: string): boolean {
  const exactly = { subject: 'never', wildcards: false } as const;
  switch (by) {
    case 'tls_client_auth_subject_dn':
      return sameSubject(certificate.subject, wanted);
    case 'tls_client_auth_san_dns':
      return certificate.checkHost(wanted, exactly) !== undefined;
    case 'tls_client_auth_san_uri':
      return hasUri(certificate.subjectAltName, wanted);
    case 'tls_client_auth_san_ip':
      return certificate.checkIP(wanted) !== undefined;
    case 'tls_client_auth_san_email':
      return certificate.checkEmail(wanted, { subject: 'never' }) !== undefined;
  }
}
