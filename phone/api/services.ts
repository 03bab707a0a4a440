// The parts of the app that do things, handed to whatever needs them.
import type { Store } from '../keys/store.ts';
import type { Api } from './client.ts';

/** What a deed may touch. */
export interface Services {
  /** Where this app came from; it speaks to nobody else. */
  origin: string;
  store: Store;
  api: Api;
}

/** Tells the person what is being done: `pin` while it is stretched, `send` while the message is on its way. */
export type Progress = (step: 'pin' | 'send') => void;
