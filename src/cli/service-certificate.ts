// The certificate of a service that a command plays (RFC 8705): read from files, and held against what the client registered before it is shown.
import { createPrivateKey, type X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { type CertificateName, certificatesOf, isNamed, signedBy } from '../platform/certificates.ts';
import { systemClock } from '../platform/clock.ts';
import type { ClientSettings, ServerSettings } from '../settings/settings.ts';

/** What the command line says of the service's own proofs. */
export interface ProofOptions {
  key?: string;
  cert?: string;
  certKey?: string;
}

/** A certificate and its key, PEM, as TLS takes them. */
export interface ServiceCertificate {
  cert: string;
  key: string;
}

const NAMES: readonly CertificateName[] = [
  'tls_client_auth_subject_dn',
  'tls_client_auth_san_dns',
  'tls_client_auth_san_uri',
  'tls_client_auth_san_ip',
  'tls_client_auth_san_email',
];

/** Adds the options by which a played service proves itself. @param purposes what its key may be needed for. */
export function addProofOptions(command: Command, purposes: string): Command {
  return command
    .option('--key <file>', `its private key, for ${purposes}: a JSON Web Key or PEM`)
    .option('--cert <file>', 'its certificate, for mutual TLS and tokens bound to one: PEM')
    .option('--cert-key <file>', 'the private key of its certificate: PEM; the file of --cert where it is not given');
}

/** Whether a client is one that shows a certificate: as its proof, or to have its tokens bound to it. */
export function showsCertificate({ metadata }: ClientSettings): boolean {
  const { token_endpoint_auth_method: method, tls_client_certificate_bound_access_tokens: bound } = metadata;
  return String(method).includes('tls_client_auth') || bound === true;
}

/**
 * The certificate that the client shows; undefined where it shows none.
 * @param mtls of the configuration that was read: whom the provider believes.
 * @throws Error that says what to hand in, or why the provider would refuse what was handed in.
 */
export function readServiceCertificate(
  { cert: file, certKey }: ProofOptions,
  client: ClientSettings,
  mtls: ServerSettings['mtls'],
): ServiceCertificate | undefined {
  if (!showsCertificate(client)) {
    if (file !== undefined || certKey !== undefined)
      throw new Error(`${client.file} wants no certificate: leave --cert and --cert-key out`);
    return undefined;
  }
  if (file === undefined)
    throw new Error('this client shows a certificate: hand it in with --cert FILE and --cert-key FILE (PEM)');
  const cert = readFileSync(file, 'utf8');
  const [certificate] = certificatesIn(cert);
  if (!certificate) throw new Error(`${file} holds no certificate in PEM`);
  const key = readKey(certKey ?? file, certificate, file);
  const fault = faultOf(certificate, client, mtls);
  if (fault !== undefined) throw new Error(`${file} ${fault}`);
  return { cert, key };
}

function certificatesIn(pem: string): X509Certificate[] {
  try {
    return certificatesOf(pem);
  } catch {
    return [];
  }
}

/** Nothing of the file stands in the error: it may be a key. */
function readKey(file: string, certificate: X509Certificate, certFile: string): string {
  const text = readFileSync(file, 'utf8');
  let fits: boolean;
  try {
    fits = certificate.checkPrivateKey(createPrivateKey(text));
  } catch {
    throw new Error(`${file} holds no private key in PEM without a pass phrase: hand it in with --cert-key FILE`);
  }
  if (!fits) throw new Error(`${file} has the key of another certificate than ${certFile}`);
  return text;
}

const oneLine = (subject: string) => subject.split('\n').reverse().join(',');

/** Why the provider would refuse it, told here because it only says `invalid_client`; undefined where it fits, as far as can be seen. */
function faultOf(
  certificate: X509Certificate,
  { file, metadata }: ClientSettings,
  mtls: ServerSettings['mtls'],
): string | undefined {
  const now = systemClock.now();
  const { validFrom, validTo } = certificate;
  if (now < Date.parse(validFrom)) return `does not hold yet: it begins at ${validFrom}`;
  if (now >= Date.parse(validTo)) return `does not hold any more: it ended at ${validTo}`;
  const method = metadata['token_endpoint_auth_method'];
  if (method === 'self_signed_tls_client_auth') {
    const { keys } = (metadata['jwks'] ?? {}) as { keys?: { x5c?: string[] }[] };
    const own = certificate.raw.toString('base64');
    // What stands behind a jwks_uri is not fetched here: the provider will say.
    if (keys === undefined || keys.some(({ x5c }) => x5c?.[0] === own)) return undefined;
    return `is not the certificate that ${file} registers: none of its jwks has it as x5c`;
  }
  if (method !== 'tls_client_auth') return undefined;
  const authorities = mtls?.authorities === undefined ? undefined : certificatesOf(mtls.authorities);
  if (authorities && !signedBy(authorities, certificate, now))
    return `is not signed, for clients (clientAuth), by an authority of mtls.client_ca_file: its issuer is ${oneLine(certificate.issuer)}`;
  const name = NAMES.find((one) => typeof metadata[one] === 'string');
  if (name === undefined || isNamed(certificate, name, String(metadata[name]))) return undefined;
  const has = name.endsWith('_dn')
    ? `subject ${oneLine(certificate.subject ?? '')}`
    : `names ${certificate.subjectAltName ?? '(none)'}`;
  return `does not carry what ${file} registers: ${name} is ${String(metadata[name])}, and the certificate has the ${has}`;
}
