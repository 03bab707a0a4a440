// The phone that a token's level rests on: whatever is stored carries it, so that each use can ask whether it still counts.
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { Proofs } from '../domain/assurance.ts';
import { stillCounts } from '../domain/device.ts';
import type { Devices } from '../domain/ports.ts';
import { sourceOf } from './token-source.ts';

const noted = new WeakMap<object, string>();

/** The phone among the proofs that a level was reached with; undefined where it was reached without one. */
export function phoneAmong({ phone, password }: Proofs): string | undefined {
  // An approval without a number is worth a password alone, and is a phone's all the same (domain/backchannel.ts).
  return phone?.factor ?? password?.factor;
}

/** Notes what the answer to this request will rest on. */
export function notePhone(ctx: KoaContextWithOIDC, proofs: Proofs): void {
  const phone = phoneAmong(proofs);
  if (phone === undefined) noted.delete(ctx);
  else noted.set(ctx, phone);
}

/** The phone that what is issued now rests on: of this very sign-in, or of what is redeemed. */
export function phoneBehind(ctx: KoaContextWithOIDC): string | undefined {
  return noted.get(ctx) ?? sourceOf(ctx)?.phone;
}

/** Whether a token says what a phone has proven that no longer counts. */
export async function restsOnGonePhone(phones: Pick<Devices, 'byId'>, token: object | undefined): Promise<boolean> {
  const { phone, accountId } = (token ?? {}) as { phone?: string; accountId?: string };
  return phone !== undefined && !stillCounts(await phones.byId(phone), accountId);
}

/**
 * The refusal to go on from a code, a refresh token or a back-channel request whose phone no longer counts (RFC 6749 section 5.2): what
 * it would give still says that the phone had proven it. Giving out less would be true, but no service expects its level to sink by a
 * refresh (RFC 9470 section 6.2).
 */
export const gonePhone = (): errors.OIDCProviderError =>
  new errors.InvalidGrant('the phone that this sign-in rests on no longer counts; ask for authorization again');
