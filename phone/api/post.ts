// One signed message over the network: no cookie, no cache, no redirect, no referrer.
import { devicePath, type Endpoint } from '../../src/protocol/messages.ts';
import { type Answer, failed, readAnswer } from './answer.ts';

/** How long an answer may take before the person is told, in milliseconds. */
const PATIENCE = 20_000;

/** What every request of the device API has in common. */
export function messageRequest(message: string, signal: AbortSignal): RequestInit {
  return {
    method: 'POST',
    headers: { 'Content-Type': 'application/jose' },
    body: message,
    cache: 'no-store',
    credentials: 'omit',
    redirect: 'error',
    referrerPolicy: 'no-referrer',
    signal,
  };
}

/** Posts a signed message. A network that fails is an answer too: `offline`. */
export async function post<T>(endpoint: Endpoint, message: string): Promise<Answer<T>> {
  let response: Response;
  try {
    response = await fetch(devicePath(endpoint), messageRequest(message, AbortSignal.timeout(PATIENCE)));
  } catch {
    return failed('offline');
  }
  return readAnswer<T>(response);
}
