// What a headless phone keeps between two commands. A browser keeps these keys where no script can read them; a file is only a stand-in for that.
import { randomBytes } from 'node:crypto';
import { open, readFile, rename, unlink } from 'node:fs/promises';
import type { PublicJwk } from '../protocol/derivations.ts';
import type { Kdf } from '../protocol/messages.ts';

/** A P-256 key pair as it is kept in a file. */
export type PrivateJwk = PublicJwk & { d: string };

/** One account on this phone. Byte strings are base64url. */
export interface PhoneAccount {
  deviceId: string;
  account: string;
  deviceName: string;
  key: PrivateJwk;
  /** `K_dev` of the protocol. */
  secret: string;
  salt: string;
  kdf: Kdf;
  ratchet: string;
  /** The last counter sent. */
  counter: number;
}

/** An enrolment under way: kept so that the same keys can go on after a lost answer. A new key would contest the enrolment. */
export interface PhoneEnrolling {
  /** Token or typed code that it began with, worth nothing to another key. */
  by: string;
  enrolmentId: string;
  deviceId: string;
  nonce: string;
  account: string;
  deviceName: string;
  salt: string;
  kdf: Kdf;
  key: PrivateJwk;
  secret: string;
}

/** The whole file. `clockOffset`: milliseconds to add to this machine's clock to get the server's. */
export interface PhoneState {
  version: 1;
  origin: string;
  installId: string;
  clockOffset: number;
  enrolling?: PhoneEnrolling;
  account?: PhoneAccount;
}

/** Where the state is kept. `save` resolves when the state would survive a crash. */
export interface PhoneStore {
  load(): Promise<PhoneState | undefined>;
  save(state: PhoneState): Promise<void>;
}

/** In this process only: for tests. */
export function memoryStore(initial?: PhoneState): PhoneStore {
  let kept = initial && structuredClone(initial);
  return {
    load: async () => structuredClone(kept),
    save: async (state) => {
      kept = structuredClone(state);
    },
  };
}

/** A JSON file that only its owner can read, replaced as a whole: a crash leaves the old one or the new one. */
export function fileStore(path: string): PhoneStore {
  return {
    async load() {
      let text: string;
      try {
        text = await readFile(path, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
      return readState(text, path);
    },
    async save(state) {
      const next = `${path}.${randomBytes(6).toString('hex')}`;
      const file = await open(next, 'wx', 0o600);
      try {
        await file.writeFile(`${JSON.stringify(state, null, 2)}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(next, path).catch(async (error: unknown) => {
        await unlink(next).catch(() => undefined);
        throw error;
      });
    },
  };
}

function readState(text: string, path: string): PhoneState {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const isOurs = typeof value === 'object' && value !== null && 'version' in value && value.version === 1;
  if (!isOurs) throw new Error(`${path} is not a state file of "countersign phone"`);
  return value as PhoneState;
}
