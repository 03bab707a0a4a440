// What FAPI 2.0 Security Profile and FAPI-CIBA ask of the JWTs of a client, beyond what the library looks at.
import { decodeProtectedHeader } from 'jose';
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { Clock } from '../platform/clock.ts';
import type { Registry } from './registry.ts';

type Claims = { readonly [claim: string]: unknown };
type Header = { readonly alg?: unknown };
type Check = (ctx: KoaContextWithOIDC, claims: object, header: object, client: { clientId: string }) => void;

/** FAPI 2.0 section 5.4.1. RS256 is not among them; a key that says no `alg` would let it in. */
const ALGORITHMS: readonly unknown[] = ['ES256', 'PS256', 'EdDSA'];

/** Longest life of a request object (FAPI 1.0 Part 2 section 5.2.2, FAPI-CIBA section 5.2.2), in seconds. */
const LONGEST = 3600;

function weak(header: Header): boolean {
  return !ALGORITHMS.includes(header.alg);
}

/** Longest life of a client assertion, in seconds: its jti is remembered for as long, and nobody may fill the memory for ever. */
const LONGEST_ASSERTION = 86_400;

/**
 * Client assertions: none lives longer than a day (RFC 7523 section 3, item 4). For a FAPI 2.0 client the audience is the issuer and
 * nothing else (section 5.3.2.1), and the signature is strong.
 */
export function checkAssertions(registry: () => Registry, clock: Clock): Check {
  return (ctx, claims, header, { clientId }) => {
    if (!(Number((claims as Claims)['exp']) <= clock.now() / 1000 + LONGEST_ASSERTION))
      throw new errors.InvalidClientAuth('expiration too far from now');
    if (registry().client(clientId)?.profile !== 'fapi2') return;
    if ((claims as Claims)['aud'] !== ctx.oidc.issuer)
      throw new errors.InvalidClientAuth('audience (aud) must equal the issuer identifier url');
    if (weak(header)) throw new errors.InvalidClientAuth('sign client_assertion with ES256, PS256 or EdDSA');
  };
}

/**
 * DPoP proofs: for a FAPI 2.0 client signed as strongly as its other JWTs (section 5.4.1). The library has one list for all clients.
 * @throws InvalidDpopProof (RFC 9449 section 5)
 */
export function refuseWeakProof(ctx: KoaContextWithOIDC, registry: Registry): void {
  const proof = ctx.get('DPoP');
  if (proof === '' || registry.client(ctx.oidc.client?.clientId ?? '')?.profile !== 'fapi2') return;
  if (weak(decodeProtectedHeader(proof)))
    throw new errors.InvalidDpopProof('sign the DPoP proof with ES256, PS256 or EdDSA');
}

/** Request objects: what the library's own check demands, and of a FAPI 2.0 client a strong signature too. */
export function checkRequestObjects(registry: () => Registry): Check {
  return (ctx, claims, header, { clientId }) => {
    const fapi = registry().client(clientId)?.profile === 'fapi2';
    const backchannel = ctx.oidc.route === 'backchannel_authentication';
    const needed = [...(fapi ? ['exp', 'aud', 'nbf'] : []), ...(backchannel ? ['exp', 'iat', 'nbf', 'jti'] : [])];
    const { exp, nbf } = claims as Claims;
    for (const claim of needed)
      if ((claims as Claims)[claim] === undefined)
        throw new errors.InvalidRequestObject(`Request Object is missing the '${claim}' claim`);
    if (!fapi) return;
    const life = Number(exp) - Number(nbf);
    if (!(life > 0 && life <= LONGEST))
      throw new errors.InvalidRequestObject("Request Object 'exp' claim too far from 'nbf' claim");
    // What was pushed was looked at then; the library keeps it without a signature.
    if ('PushedAuthorizationRequest' in ctx.oidc.entities) return;
    if (weak(header)) throw new errors.InvalidRequestObject('sign the Request Object with ES256, PS256 or EdDSA');
  };
}
