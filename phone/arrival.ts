// The first act of the app: what the address brought, taken out of it before anything else can read or keep it (protocol section 3).
import { type Link, readFragment } from '../src/protocol/links.ts';

/** What the person came with. */
export type Arrival =
  | { kind: 'nothing' }
  | { kind: 'shortcut'; what: 'scan' | 'requests' }
  | { kind: 'enrol'; token: string }
  | { kind: 'open'; txn: string }
  | { kind: 'broken' };

/** Reads and removes what the address carries; it leaves nothing in the history. */
export function takeArrival(): Arrival {
  const { hash, search, pathname } = window.location;
  if (hash || search) history.replaceState(null, '', pathname);
  if (hash.length > 1) return fromLink(readFragment(hash));
  const what = new URLSearchParams(search).get('do');
  return what === 'scan' || what === 'requests' ? { kind: 'shortcut', what } : { kind: 'nothing' };
}

/** A sign-in code that came as an address did not come through our own camera: it counts as an opened link, so the number must be typed. */
function fromLink(link: Link | { problem: string }): Arrival {
  if ('problem' in link) return { kind: 'broken' };
  if (link.kind === 'enrol') return { kind: 'enrol', token: link.token };
  return { kind: 'open', txn: link.txn };
}
