// Tokens that are bound to a client's certificate (RFC 8705 section 3): the request comes over TLS from whoever holds its key.
import { createHash, X509Certificate } from 'node:crypto';

/** A certificate: PEM, or DER. */
export type Certificate = string | Uint8Array;

/** `x5t#S256`: the hash of the certificate's DER; undefined for what is no certificate. */
export function certificateThumbprint(certificate: Certificate): string | undefined {
  try {
    return createHash('sha256').update(new X509Certificate(certificate).raw).digest('base64url');
  } catch {
    return undefined;
  }
}

/**
 * The certificate in a header that a proxy sets: PEM with percent signs (nginx, `$ssl_client_escaped_cert`), DER in base64 (HAProxy,
 * `%[ssl_c_der,base64]`), or as RFC 9440 has it. Only for a header that your proxy sets or removes on every request.
 */
export function certificateFromHeader(value: string | undefined): Certificate | undefined {
  const text = value?.trim() ?? '';
  if (/^-----BEGIN(%20| )CERTIFICATE-----/.test(text)) {
    try {
      return decodeURIComponent(text);
    } catch {
      return undefined;
    }
  }
  const [, , base64] = /^(:?)([A-Za-z0-9+/]+=*)\1$/.exec(text) ?? [];
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64');
}
