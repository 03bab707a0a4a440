// devices.yaml: the phone app and its rules.
import { z } from 'zod';
import { text, whole } from './pieces.ts';

export const devicesSchema = z
  .strictObject({
    app_origin: text()
      .optional()
      .describe(
        "The origin of the phone app; the issuer where it is missing. An origin of its own is safer: then no page of ours can use a phone's key.",
      ),
    pin: z
      .strictObject({
        setup: z
          .enum(['browser', 'phone'])
          .prefault('browser')
          .describe(
            'Where the PIN is chosen: on the account page, or on the phone alone (SP 800-63B-4 section 3.2.10 to the letter).',
          ),
        min: whole(4, 12).prefault(6).describe('The fewest digits of a PIN.'),
        max: whole(4, 12).prefault(8).describe('The most digits of a PIN.'),
      })
      .prefault({})
      .describe('The PIN of a phone.'),
    kdf_iterations: whole(1000, 10_000_000)
      .prefault(600_000)
      .describe('PBKDF2 iterations that turn a PIN into a key; at least 600000.'),
    number_digits: whole(6, 8)
      .prefault(6)
      .describe('How many digits the number has that a person types into the phone.'),
    accounts_per_device: whole(1, 50).prefault(1).describe('How many accounts one phone may hold.'),
    devices_per_account: whole(1, 50).prefault(5).describe('How many phones one account may have.'),
    offline: z.boolean().prefault(true).describe('Whether a phone without network may show a code to type.'),
    push: z
      .strictObject({
        enabled: z
          .boolean()
          .prefault(true)
          .describe('Whether a phone may be woken by its push service. It also needs the key `push` in keys.yaml.'),
        contact: text()
          .optional()
          .describe(
            'Whom a push service may tell of trouble: an https address or "mailto:…" (RFC 8292 section 2.1); the sender of mail.yaml where it is missing.',
          ),
        hosts: z
          .array(
            z
              .string()
              .regex(
                /^(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::\d{1,5})?$/,
                'must be a host in small letters, such as "push.example.org", "*.push.example.org" or "localhost:8099"',
              ),
          )
          .prefault([])
          .describe(
            'More push services than those of the browsers. One with a port is a service of your own network: it may speak http, and needs an entry in outbound.yaml too.',
          ),
      })
      .prefault({})
      .describe('Push: a knock that wakes the app. Without it a request waits until the person opens the app.'),
    context_ip: z
      .enum(['none', 'prefix', 'full'])
      .prefault('prefix')
      .describe("How much of the browser's address the phone shows: nothing, its network, or all of it."),
  })
  .describe('The phone app and its rules.');

export type DevicesFile = z.output<typeof devicesSchema>;
