// The record of what a session has proven, kept in the session's own stored value, and what each request may claim from it.
import type { KoaContextWithOIDC } from 'oidc-provider';
import { acrFor, amrOf, authTimeOf, type Method, type Proofs, reached } from '../domain/assurance.ts';
import { stillCounts } from '../domain/device.ts';
import type { Devices } from '../domain/ports.ts';
import type { User } from '../domain/user.ts';
import type { Need } from './levels-in-requests.ts';
import { notePhone } from './phone-behind.ts';
import type { Registry } from './registry.ts';

/** What we keep beside oidc-provider's own members of a session (see internals.ts). Times are whole seconds unless said. */
export interface SessionRecord {
  proofs?: Proofs;
  /** Whose proofs they are: another person's are never built upon. */
  proofsOf?: string;
  /** When the session's first proof was made, in milliseconds: a person may sign in within the second in which all sessions were ended. */
  begun?: number;
  /** When it was last used. */
  seen?: number;
}

type Session = KoaContextWithOIDC['oidc']['session'] & SessionRecord;

/** Our part of an interaction's result. */
export interface ProofResult {
  login?: { accountId: string };
  proofs?: Proofs;
}

/** Takes the proofs of a finished interaction over into the session, and forgets what no longer counts. */
export function absorbProofs(ctx: KoaContextWithOIDC, registry: Registry, user: User | undefined, nowMs: number): void {
  const now = Math.floor(nowMs / 1000);
  const session = ctx.oidc.session as Session;
  const { lifetimes } = registry.settings;
  if (session.proofsOf !== session.accountId || !user || outdated(session, user)) forget(session);
  const result = ctx.oidc.result as ProofResult | undefined;
  const ours = user !== undefined && result?.login?.accountId === session.accountId;
  const made = ours ? standing(result?.proofs ?? {}, user) : {};
  if (user && Object.keys(made).length > 0) {
    session.proofs = { ...session.proofs, ...made };
    session.proofsOf = user.id;
    session.begun ??= nowMs;
  }
  if (session.proofs && session.seen !== undefined && now - session.seen > lifetimes.secondFactorIdle) {
    const fresh = result?.proofs ?? {};
    session.proofs = Object.fromEntries(
      Object.entries(session.proofs).filter(([method]) => method === 'password' || method in fresh),
    );
  }
  if (session.accountId) session.seen = now;
}

/** A session from before the person's sessions were ended everywhere. */
function outdated(session: Session, user: User): boolean {
  return (session.begun ?? 0) < user.sessionsValidAfter;
}

/**
 * A sign-in that lay half finished while the person's sessions were ended is one of them: its proofs may rest on the old password.
 * They are dated in whole seconds, so the boundary second itself still counts.
 */
function standing(proofs: Proofs, user: User): Proofs {
  const since = Math.floor(user.sessionsValidAfter / 1000);
  return Object.fromEntries(Object.entries(proofs).filter(([, proof]) => proof.at >= since));
}

function forget(session: Session): void {
  delete session.proofs;
  delete session.proofsOf;
  delete session.begun;
}

/** Forgets what a phone has proven that no longer counts. */
export async function forgetGonePhone(ctx: KoaContextWithOIDC, phones: Pick<Devices, 'byId'>): Promise<void> {
  const session = ctx.oidc.session as Session;
  const { phone, ...others } = session.proofs ?? {};
  if (phone?.factor === undefined) return;
  if (!stillCounts(await phones.byId(phone.factor), session.proofsOf)) session.proofs = others;
}

/** The proofs that may count for this request: all of the session's, or only those of this very sign-in (`prompt=login`). */
export function countingProofs(ctx: KoaContextWithOIDC, need: Need): Proofs {
  const session = ctx.oidc.session as Session;
  if (!need.anew) return session.proofs ?? {};
  const made = (ctx.oidc.result as ProofResult | undefined)?.proofs ?? {};
  return Object.fromEntries(
    Object.entries(session.proofs ?? {}).filter(([method, proof]) => made[method as Method]?.at === proof.at),
  );
}

/** Writes acr, amr and auth_time of this request into the session, from proofs that are fresh now (never more than was proven). */
export function claimWhatIsTrue(ctx: KoaContextWithOIDC, registry: Registry, need: Need, now: number): void {
  const session = ctx.oidc.session as Session & { acr?: string; amr?: string[]; loginTs?: number };
  const got = reached(registry.settings.levels, countingProofs(ctx, need), now, need.maxAge);
  if (!got) return;
  session.acr = acrFor(registry.settings.levels, need.wish, need.required, got.level);
  session.amr = amrOf(got.proofs);
  session.loginTs = authTimeOf(got.proofs);
  notePhone(ctx, got.proofs);
}
