// One message of the outbox, as its standard wants it sent: what a service answers decides whether it is tried again.
import type { Delivery } from '../domain/delivery.ts';
import type { ClientSettings } from '../settings/settings.ts';

/** What sending needs. */
export interface SendingParts {
  /** The service as it is registered now; undefined where it is gone. */
  client(clientId: string): ClientSettings | undefined;
  /** The guarded fetch. */
  fetch: typeof globalThis.fetch;
  /** Makes a logout token and posts it; oidc-provider does both. */
  logout(clientId: string, sub: string, sid: string | undefined): Promise<void>;
}

/** Sends by kind. @throws Error whose message holds neither an address nor a secret, where it is to be tried again. */
export function createSending(parts: SendingParts): (delivery: Delivery, content: unknown) => Promise<void> {
  return async (delivery, content) => {
    const client = parts.client(delivery.clientId);
    if (client && delivery.kind === 'ciba_ping')
      await ping(parts, client, content as { authReqId: string; token: string });
    if (client && delivery.kind === 'logout')
      await signOut(parts, delivery.clientId, content as { sub: string; sid?: string });
  };
}

/** OpenID CIBA Core section 10.2. A service that is no longer pinged is left alone. */
async function ping(
  { fetch }: SendingParts,
  { metadata, notified }: ClientSettings,
  content: { authReqId: string; token: string },
) {
  if (metadata['backchannel_token_delivery_mode'] !== 'ping' || notified === undefined) return;
  const answer = await reach(fetch, notified, {
    method: 'POST',
    headers: { authorization: `Bearer ${content.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ auth_req_id: content.authReqId }),
  });
  // The token is not its own, and will not be at another try (section 10.2).
  if (answer === 401 || answer === 403) return;
  if (answer !== 200 && answer !== 204) throw new Error(`answered ${answer}`);
}

/** Back-Channel Logout section 2.5: the token is made at each try, because it lives for minutes only. */
async function signOut({ logout }: SendingParts, clientId: string, { sub, sid }: { sub: string; sid?: string }) {
  try {
    await logout(clientId, sub, sid);
  } catch (error) {
    // The library's own words name the address.
    const { response } = error as { response?: Response };
    throw new Error(response ? `answered ${response.status}` : unreachable(error));
  }
}

/** The status of an answer. What cannot be reached is told by its kind: the address is the service's own. */
async function reach(fetch: typeof globalThis.fetch, address: string, init: RequestInit): Promise<number> {
  let response: Response;
  try {
    response = await fetch(address, { ...init, redirect: 'manual' });
  } catch (error) {
    throw new Error(unreachable(error));
  }
  await response.body?.cancel();
  return response.status;
}

function unreachable(error: unknown): string {
  const { name, cause } = error as Error & { cause?: { name?: string; code?: string } };
  return `cannot be reached: ${cause?.code ?? cause?.name ?? name}`;
}
