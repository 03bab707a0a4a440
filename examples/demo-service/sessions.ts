// Who is signed in at the demo service: in this process, under a random cookie, ended by us or by the provider.
import { randomBytes } from 'node:crypto';

/** A person who is signed in here. */
export interface SignedIn {
  claims: { [claim: string]: unknown };
  idToken: string;
  /** For the API. */
  accessToken: string;
}

/** An authorization request that we sent and whose answer is still to come. */
export interface Asked {
  verifier: string;
  nonce: string;
  /** Where the person wanted to go. */
  returnTo: string;
  /** How old the sign-in may be, where we asked for that: checked again in the answer. */
  maxAge?: number;
}

/** One browser. */
export interface Session {
  id: string;
  signedIn?: SignedIn;
  /** By `state`. */
  asked: Map<string, Asked>;
  usedAt: number;
}

/** More than this many sessions: the ones that were not used for the longest time go. */
const MOST = 1000;

const sessions = new Map<string, Session>();

/** The session of a cookie value, where it is one of ours. */
export function find(id: string | undefined): Session | undefined {
  const session = id === undefined ? undefined : sessions.get(id);
  if (session) session.usedAt = Date.now();
  return session;
}

/** A new session under a new id; `from` gives its requests under way and is forgotten (no session fixation). */
export function begin(from?: Session): Session {
  if (from) sessions.delete(from.id);
  const session: Session = {
    id: randomBytes(24).toString('base64url'),
    asked: from?.asked ?? new Map(),
    usedAt: Date.now(),
  };
  sessions.set(session.id, session);
  if (sessions.size > MOST) {
    const [oldest] = [...sessions.values()].sort((a, b) => a.usedAt - b.usedAt);
    if (oldest) sessions.delete(oldest.id);
  }
  return session;
}

/** Ends one session. */
export function end(session: Session): void {
  sessions.delete(session.id);
}

/** Ends every session of a provider's session (`sid`), or of a person where no `sid` is named; answers how many. */
export function endThose({ sid, sub }: { sid?: string; sub?: string }): number {
  const concerned = [...sessions.values()].filter(({ signedIn }) =>
    sid === undefined ? sub !== undefined && signedIn?.claims.sub === sub : signedIn?.claims.sid === sid,
  );
  for (const session of concerned) sessions.delete(session.id);
  return concerned.length;
}
