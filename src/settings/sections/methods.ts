// methods.yaml: the ways to prove who one is that are offered.
import { z } from 'zod';
import type { MethodSettings } from '../settings.ts';
import { whole } from './pieces.ts';

export const methodsSchema = z
  .strictObject({
    password: z
      .strictObject({
        enabled: z.boolean().prefault(true).describe('Whether people may sign in with a password.'),
        min_length: whole(8, 64)
          .prefault(15)
          .describe('The shortest password that may be chosen (15 where a password alone is ever enough).'),
        memory_kib: whole(64, 4_194_304).prefault(47_104).describe('Memory of argon2id in KiB.'),
        passes: whole(1, 20).prefault(1).describe('Passes of argon2id.'),
        concurrency: whole(1, 64).prefault(2).describe('At most so many passwords are checked at once.'),
        queue: whole(0, 10_000)
          .prefault(50)
          .describe('At most so many wait; further ones are told to come back (503).'),
      })
      .prefault({})
      .describe('Passwords, and how they are hashed.'),
    phone: z
      .strictObject({ enabled: z.boolean().prefault(true).describe('Whether people may add and use a phone.') })
      .prefault({})
      .describe('The phone app.'),
    first_device: z
      .enum(['mail_code', 'invitation', 'operator'])
      .prefault('mail_code')
      .describe(
        'The second proof before the first phone is added after a password alone: a code by mail, the invitation link, or the operator.',
      ),
  })
  .describe('The methods that are offered.');

export type MethodsFile = z.output<typeof methodsSchema>;

/** The methods as the house reads them. */
export function resolveMethods({ password, phone, first_device }: MethodsFile): MethodSettings {
  return {
    password: {
      enabled: password.enabled,
      minLength: password.min_length,
      memoryKib: password.memory_kib,
      passes: password.passes,
      concurrency: password.concurrency,
      queue: password.queue,
    },
    phone: { enabled: phone.enabled },
    firstDevice: first_device,
  };
}
