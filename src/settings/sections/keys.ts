// keys.yaml: the server's own keys and secrets. `countersign keys generate` makes them.
import { z } from 'zod';
import { duration, secretKeys } from './pieces.ts';

const name = () => z.string().regex(/^[A-Za-z0-9_-]{1,32}$/, 'must be 1 to 32 letters, digits, "-" or "_"');

const identified = (what: string) =>
  z.strictObject({
    id: name().describe('A name that is kept beside everything made with this key; never give it to another key.'),
    ...secretKeys('secret', what),
  });

export const keysSchema = z
  .strictObject({
    ...secretKeys(
      'signing',
      'The private signing keys as a JSON Web Key Set: the first of each algorithm signs, all are published.',
    ),
    rotation: z
      .strictObject({
        every: duration('7d', '3650d').describe('A signing key gives way to a new one when it has signed for so long.'),
        publish: duration('24h', '30d')
          .prefault('24h')
          .describe('A new key is published so long before it signs, so that every service has read it by then.'),
      })
      .optional()
      .describe(
        'Makes new signing keys by itself, kept in the database under the kek. Without it "countersign keys rotate" does so by hand.',
      ),
    ...secretKeys('encryption', 'The private ECDH-ES keys as a JSON Web Key Set: phones encrypt to the first.'),
    cookies: z
      .array(
        z.strictObject({
          id: name()
            .optional()
            .describe('A name for "countersign keys". Without it the secret is called as its file or variable is.'),
          ...secretKeys('secret', 'A random text of at least 32 characters.'),
        }),
      )
      .optional()
      .describe('Secrets that sign cookies: the first signs, the others are still accepted.'),
    kek: z
      .array(identified('32 random bytes in base64url.'))
      .optional()
      .describe('Keys that encrypt stored secrets: the first encrypts, all decrypt.'),
    peppers: z
      .array(identified('32 random bytes in base64url.'))
      .optional()
      .describe('Keys that are mixed into stored PINs, typed codes and passwords: the first is used for new ones.'),
    ...secretKeys(
      'push',
      'The key that names this server to push services (VAPID, RFC 8292): 32 random bytes in base64url. Without it phones are not woken. A new key ends every subscription.',
    ),
  })
  .describe('The keys and secrets of this server. Prefer the *_file keys, so that no secret stands in this folder.');

export type KeysFile = z.output<typeof keysSchema>;
