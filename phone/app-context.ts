// What every screen may use: words, services, the accounts, and the way to the next screen.
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { PendingTransaction } from '../src/protocol/messages.ts';
import type { OperatorNotice, ReadOnlyNotice } from '../src/protocol/notices.ts';
import type { Failure } from './api/answer.ts';
import type { Connection } from './api/live-requests.ts';
import type { Services } from './api/services.ts';
import type { Account } from './keys/store.ts';
import type { Screen } from './screens/screen.ts';
import type { Words } from './words.ts';

/** The app as a screen sees it. */
export interface App {
  words: Words;
  services: Services;
  /** All accounts, the one in front first. */
  accounts: Account[];
  /** Open requests by device_id. */
  requests: Readonly<Record<string, PendingTransaction[]>>;
  connection: Connection;
  /** What the operator tells everybody, now or soon. */
  notices: readonly OperatorNotice[];
  /** Nothing can be approved or changed now. */
  readOnly: ReadOnlyNotice | undefined;
  /** Takes a request that was answered here off the lists. */
  answered(txn: string): void;
  /** Accounts that the provider has locked, by device_id, and why. */
  locked: Readonly<Record<string, Failure>>;
  /** Whether a new version of the app waits. */
  update: (() => void) | undefined;
  /** Shows a screen; *Back* returns to this one. */
  go(screen: Screen): void;
  /** Shows a screen in place of this one: *Back* does not return here. */
  become(screen: Screen): void;
  back(): void;
  home(): void;
  /** Reads the accounts again after one was added, changed or removed. */
  refresh(): Promise<void>;
  bringForward(device: string): Promise<void>;
  changeLanguage(tag: string): Promise<void>;
  /** Says something to screen readers. */
  announce(text: string): void;
}

export const AppContext = createContext<App | undefined>(undefined);

/** The app around a screen. */
export function useApp(): App {
  const app = useContext(AppContext);
  if (!app) throw new Error('a screen stands outside the app');
  return app;
}
