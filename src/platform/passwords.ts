// argon2id off the event loop, with a pepper, under bounds (security, L16).
import { randomBytes } from 'node:crypto';
import { hash, parseOptions, verify } from '@node-rs/argon2';
import { foreignHash } from './foreign-hashes.ts';
import { createQueue } from './queue.ts';

/** Cost and bounds, as `methods.yaml` has them. */
export interface PasswordCost {
  memoryKib: number;
  passes: number;
  concurrency: number;
  queue: number;
}

/** A pepper whose value shows only when asked. 32 bytes, base64url. */
export interface Pepper {
  id: string;
  secret: { reveal(): string };
}

/** {@link createPasswords}: the port Passwords of the domain. */
export interface PasswordHashing {
  /** @throws QueueFull */
  hash(password: string): Promise<string>;
  /** `stale`: right, but made with other costs or an older pepper. @throws QueueFull */
  verify(stored: string, password: string): Promise<'right' | 'stale' | 'wrong'>;
  /**
   * The work of {@link verify}, always wrong: for people who do not exist.
   * @param like the stored hash whose work it is: imported ones cost another time than ours. @throws QueueFull
   */
  pretend(password: string, like?: string): Promise<'wrong'>;
}

const LANES = 1;
const SALT = 16;
const OUTPUT = 32;

/** One spelling for what different keyboards send (SP 800-63B-4 section 3.1.1.2). */
const spelled = (password: string) => password.normalize('NFC');

/** A hash that no password has, with the same costs as real ones. */
function dummy({ memoryKib, passes }: PasswordCost): string {
  const text = (length: number) => randomBytes(length).toString('base64').replaceAll('=', '');
  return `$argon2id$v=19$m=${memoryKib},t=${passes},p=${LANES}$${text(SALT)}$${text(OUTPUT)}`;
}

function isStale(encoded: string, { memoryKib, passes }: PasswordCost): boolean {
  const made = parseOptions(encoded);
  // 2: argon2id, as the library numbers the variants.
  return (
    made.algorithm !== 2 || made.memoryCost !== memoryKib || made.timeCost !== passes || made.parallelism !== LANES
  );
}

/**
 * Passwords under argon2id. A stored hash is `PEPPER-ID:PHC-STRING`; the pepper is argon2's own secret input. A hash of another
 * system that was imported is stored without a pepper's id, as `:HASH`, and is always stale.
 * @param cost read at each use. @param options `peppers`, read at each use too: the first one is used for what is new, all of them for what is kept.
 */
export function createPasswords(
  cost: () => PasswordCost,
  options: { peppers: () => readonly Pepper[] },
): PasswordHashing {
  const bounded = createQueue(() => ({ atOnce: cost().concurrency, waiting: cost().queue }));
  const keyOf = ({ secret }: Pepper) => Buffer.from(secret.reveal(), 'base64url');
  const newest = (): Pepper => {
    const [first] = options.peppers();
    if (!first) throw new TypeError('passwords need a pepper');
    return first;
  };
  function check(stored: string, password: string): Promise<boolean> {
    const cut = stored.indexOf(':');
    const foreign = cut === 0 ? foreignHash(stored.slice(1)) : undefined;
    if (foreign) return bounded(() => foreign(password));
    const pepper = options.peppers().find(({ id }) => id === stored.slice(0, cut));
    // Without its pepper a hash can be right for nobody; the same work is done all the same.
    const [encoded, secret] = pepper ? [stored.slice(cut + 1), keyOf(pepper)] : [dummy(cost()), Buffer.alloc(OUTPUT)];
    return bounded(() => verify(encoded, spelled(password), { secret }));
  }

  return {
    async hash(password) {
      const pepper = newest();
      const costs = {
        memoryCost: cost().memoryKib,
        timeCost: cost().passes,
        parallelism: LANES,
        outputLen: OUTPUT,
        secret: keyOf(pepper),
      };
      return `${pepper.id}:${await bounded(() => hash(spelled(password), costs))}`;
    },
    async verify(stored, password) {
      if (!(await check(stored, password))) return 'wrong';
      const cut = stored.indexOf(':');
      return stored.slice(0, cut) !== newest().id || isStale(stored.slice(cut + 1), cost()) ? 'stale' : 'right';
    },
    async pretend(password, like = `${newest().id}:${dummy(cost())}`) {
      await check(like, password);
      return 'wrong';
    },
  };
}
