// Password hashes that other systems made: argon2, bcrypt, scrypt and PBKDF2. They are only ever verified, and replaced by ours at the next sign-in.
import { pbkdf2, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { verify as verifyArgon2 } from '@node-rs/argon2';
import { sameBytes } from './hashes.ts';

/** Checks one password. */
export type CheckForeign = (password: string) => Promise<boolean>;

const derive = { pbkdf2: promisify(pbkdf2), scrypt: promisify<string, Buffer, number, object, Buffer>(scrypt) };

/** Bounds on what one sign-in may cost: memory in bytes, and work. */
const MOST = { memory: 256 * 1024 * 1024, rounds: 10_000_000, bcrypt: 15, passes: 20 };
const MEGABYTE = 1024 * 1024;

/** Base64 in any of its alphabets (passlib writes "." for "+"), with or without its padding; undefined where it is none. */
function bytes(text: string | undefined): Buffer | undefined {
  if (text === undefined || !/^[A-Za-z0-9+/_.-]+={0,2}$/.test(text)) return undefined;
  const found = Buffer.from(text.replaceAll('.', '+').replaceAll('-', '+').replaceAll('_', '/'), 'base64');
  return found.length >= 8 ? found : undefined;
}

function argon2(text: string): CheckForeign | undefined {
  const found = /^\$argon2(?:id|i|d)\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+$/.exec(text);
  if (!found) return undefined;
  const [memory, passes] = [Number(found[1]) * 1024, Number(found[2])];
  if (memory > MOST.memory || passes > MOST.passes) return undefined;
  return (password) => verifyArgon2(text, password);
}

function bcrypt(text: string): CheckForeign | undefined {
  const found = /^\$2[aby]\$(\d\d)\$[A-Za-z0-9./]{53}$/.exec(text);
  const cost = Number(found?.[1]);
  if (!found || cost < 4 || cost > MOST.bcrypt) return undefined;
  return async (password) => {
    // Machine code in a thread of its own: one in JavaScript would hold up every other request for as long as it takes.
    const library = await import('@node-rs/bcrypt');
    return library.verify(password, text);
  };
}

function scryptOf(text: string): CheckForeign | undefined {
  const found = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([^$]+)\$([^$]+)$/.exec(text);
  const [salt, expected] = [bytes(found?.[4]), bytes(found?.[5])];
  if (!found || !salt || !expected) return undefined;
  const [ln, r, p] = [Number(found[1]), Number(found[2]), Number(found[3])];
  const memory = 128 * 2 ** ln * r;
  if (ln < 1 || r < 1 || p < 1 || p > MOST.passes || memory > MOST.memory) return undefined;
  const options = { N: 2 ** ln, r, p, maxmem: 2 * memory + MEGABYTE };
  return async (password) => sameBytes(await derive.scrypt(password, salt, expected.length, options), expected);
}

/** PHC (`$pbkdf2-sha256$i=…$salt$hash`), passlib (`$pbkdf2-sha256$29000$salt$hash`) and Django (`pbkdf2_sha256$…$salt$hash`, whose salt is text). */
function pbkdf2Of(text: string): CheckForeign | undefined {
  const django = /^pbkdf2_(sha256|sha1)\$(\d{1,9})\$([^$]+)\$([^$]+)$/.exec(text);
  const found =
    django ?? /^\$pbkdf2(?:-(sha1|sha256|sha512))?\$(?:i=)?(\d{1,9})(?:,l=\d+)?\$([^$]+)\$([^$]+)$/.exec(text);
  const salt = django ? Buffer.from(django[3] ?? '') : bytes(found?.[3]);
  const expected = bytes(found?.[4]);
  if (!found || !salt || !expected) return undefined;
  const rounds = Number(found[2]);
  if (rounds < 1 || rounds > MOST.rounds) return undefined;
  const digest = found[1] ?? 'sha1';
  return async (password) => sameBytes(await derive.pbkdf2(password, salt, rounds, expected.length, digest), expected);
}

/** How to check a hash of another system; undefined where it is none that we know, or costs more than one sign-in may. */
export function foreignHash(text: string): CheckForeign | undefined {
  if (text.length > 1024) return undefined;
  return argon2(text) ?? bcrypt(text) ?? scryptOf(text) ?? pbkdf2Of(text);
}
