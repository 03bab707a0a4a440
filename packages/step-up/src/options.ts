// What a resource server is told once, checked when it is made.
import type { JWTVerifyGetKey } from 'jose';
import type { IncomingRequest } from './answer.ts';
import type { Certificate } from './certificate.ts';
import type { IntrospectionOptions } from './introspection.ts';
import { isSecure } from './issuer.ts';
import { COUNTERSIGN_LEVELS, type LevelDeclaration } from './levels.ts';
import { MemoryReplayStore, type ReplayStore } from './replay.ts';

/** How DPoP (RFC 9449) is taken. */
export interface DPoPOptions {
  /** Tokens without a key are refused. */
  required?: boolean;
  /** How old a proof may be, in seconds; 60 where it is missing. */
  window?: number;
  /** Where used proofs are remembered; this process where it is missing. */
  replays?: ReplayStore;
  /** Algorithms of proofs; ES256, EdDSA and PS256 where it is missing. */
  algorithms?: readonly string[];
}

/** A resource server: who issues its tokens, who it is, and how tokens are checked. */
export interface ResourceServerOptions {
  /** The issuer, letter by letter as its discovery document names it. */
  issuer: string;
  /** Our own identifier, which tokens must name as `aud` (RFC 8707). */
  audience: string;
  /** Asks the issuer about each token (opaque tokens); without it tokens are JWTs, checked here. */
  introspection?: IntrospectionOptions;
  /** Address of the issuer's keys; by discovery where it is missing. */
  jwksUri?: string;
  /** The issuer's keys themselves, such as jose's `createLocalJWKSet`: nothing is read from the network then. */
  keys?: JWTVerifyGetKey;
  /** Signature algorithms of tokens; ES256, PS256, RS256 and EdDSA where it is missing. */
  algorithms?: readonly string[];
  /** Seconds by which the issuer's clock may differ from ours, 0 to 60; 10 where it is missing. */
  tolerance?: number;
  /** Levels, lowest first; {@link COUNTERSIGN_LEVELS} where it is missing. */
  levels?: readonly LevelDeclaration[];
  /** Named in challenges. */
  realm?: string;
  /** `off` refuses tokens that are bound to a key; DPoP is taken beside Bearer where it is missing. */
  dpop?: 'off' | DPoPOptions;
  /**
   * The certificate that the client of a request has shown in TLS, PEM or DER: from a header of your proxy
   * (`certificateFromHeader`), or from the socket. Without it tokens that are bound to a certificate are refused (RFC 8705).
   */
  certificateOf?: (request: IncomingRequest) => Certificate | undefined;
  /**
   * Where clients reach this application, path prefix included: proofs name it (`htu`), and the Host header is never believed.
   * The origin of `audience` where it is missing.
   */
  publicUrl?: string;
  /** Told of every refusal with its reason, for your log: never a token. */
  onRefusal?: (refusal: { status: number; error: string; cause: unknown }) => void;
}

/** Options with their defaults. */
export interface Settings extends ResourceServerOptions {
  algorithms: readonly string[];
  tolerance: number;
  levels: readonly LevelDeclaration[];
  /** Undefined where DPoP is off. */
  proofs: Required<DPoPOptions> | undefined;
  base: string;
}

const ASYMMETRIC = [
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
  'EdDSA',
  'Ed25519',
];

function wholeUpTo(value: number, from: number, to: number, name: string): number {
  if (Number.isInteger(value) && value >= from && value <= to) return value;
  throw new TypeError(`${name} is a whole number of seconds from ${from} to ${to}`);
}

function asymmetric(algorithms: readonly string[], name: string): readonly string[] {
  const wrong = algorithms.find((algorithm) => !ASYMMETRIC.includes(algorithm));
  if (wrong !== undefined || algorithms.length === 0)
    throw new TypeError(`${name} names asymmetric algorithms only; ${wrong ?? 'an empty list'} is none`);
  return algorithms;
}

function proofSettings(dpop: ResourceServerOptions['dpop'] = {}): Required<DPoPOptions> | undefined {
  if (dpop === 'off') return undefined;
  return {
    required: dpop.required ?? false,
    window: wholeUpTo(dpop.window ?? 60, 1, 600, 'dpop.window'),
    replays: dpop.replays ?? new MemoryReplayStore(),
    algorithms: asymmetric(dpop.algorithms ?? ['ES256', 'EdDSA', 'PS256'], 'dpop.algorithms'),
  };
}

/** Fills the defaults in. @throws TypeError for what would not be safe, or would never work. */
export function settingsOf(options: ResourceServerOptions): Settings {
  const { issuer, audience, jwksUri, introspection, realm } = options;
  if (audience === '') throw new TypeError('audience is empty');
  for (const [name, address] of Object.entries({ issuer, jwksUri, endpoint: introspection?.endpoint })) {
    if (address !== undefined && !(URL.canParse(address) && isSecure(new URL(address))))
      throw new TypeError(`${name} is an https address (http on this machine alone)`);
  }
  if (realm !== undefined && !/^[\x20-\x7e]*$/.test(realm)) throw new TypeError('realm has printable ASCII only');
  const proofs = proofSettings(options.dpop);
  const base = options.publicUrl ?? (URL.canParse(audience) ? new URL(audience).origin : '');
  if (proofs && !(URL.canParse(base) && /^https?:/.test(base)))
    throw new TypeError('publicUrl is missing: DPoP proofs name it, and audience is no http address');
  return {
    ...options,
    algorithms: asymmetric(options.algorithms ?? ['ES256', 'PS256', 'RS256', 'EdDSA'], 'algorithms'),
    tolerance: wholeUpTo(options.tolerance ?? 10, 0, 60, 'tolerance'),
    levels: options.levels ?? COUNTERSIGN_LEVELS,
    proofs,
    base: base.replace(/\/$/, ''),
  };
}
