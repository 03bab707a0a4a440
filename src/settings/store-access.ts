// Who we say that we are to the stores: what may change while the server runs, told apart from which stores they are, which may not.
import { Secret } from './secret.ts';
import type { StorageSettings } from './settings.ts';

/** What only says who we are. */
const ACCESS = new Set(['username', 'password', 'sentinelUsername', 'sentinelPassword']);

/** User and password of an address; it may name several hosts, which no parser of addresses takes. */
const USER_INFO = /^([^/]*\/\/)[^@/?]*@/;

/** Everything that is said of a store, and without user and password which one it is. Both are compared here, and never shown. */
function said(store: object): { whole: string; place: string } {
  const text = (leftOut: (name: string) => boolean, ofAddress: (address: string) => string) =>
    JSON.stringify(store, function (this: { [name: string]: unknown }, name, value: unknown) {
      const raw = this[name];
      if (leftOut(name)) return undefined;
      return raw instanceof Secret ? ofAddress(raw.reveal()) : value;
    });
  return {
    whole: text(
      () => false,
      (address) => address,
    ),
    place: text(
      (name) => ACCESS.has(name),
      (address) => address.replace(USER_INFO, '$1'),
    ),
  };
}

function withAccessOf<T extends object>(old: T, fresh: T): T {
  const [before, after] = [said(old), said(fresh)];
  return before.place === after.place && before.whole !== after.whole ? fresh : old;
}

/**
 * The stores of before with users and passwords of the fresh settings; where those are the same, the very objects of before. A store that
 * is another one (other hosts, another database, other authorities) stays as it is: what lies in the one is not in the other.
 */
export function withAccess(old: StorageSettings, fresh: StorageSettings): StorageSettings {
  return { database: withAccessOf(old.database, fresh.database), state: withAccessOf(old.state, fresh.state) };
}
