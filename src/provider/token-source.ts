// What a token endpoint's answer is made from, and the facts of the sign-in that it carries on.
import type { KoaContextWithOIDC } from 'oidc-provider';

/** The sign-in facts that a code, a refresh token or a back-channel request carries on. */
export interface Source {
  acr?: string | undefined;
  amr?: string[] | undefined;
  authTime?: number | undefined;
  /** The phone that the level rests on (phone-behind.ts). */
  phone?: string | undefined;
}

/** What the running request redeems; undefined where it redeems nothing. */
export function sourceOf(ctx: KoaContextWithOIDC): Source | undefined {
  const { entities } = ctx.oidc;
  // A refresh token comes last: beside one of the others it is the one that is given.
  return (entities.AuthorizationCode ??
    entities.BackchannelAuthenticationRequest ??
    entities.DeviceCode ??
    entities.RotatedRefreshToken ??
    entities.RefreshToken) as Source | undefined;
}
