// mail.yaml: how mail leaves.
import { z } from 'zod';
import { secretKeys, text } from './pieces.ts';

export const mailSchema = z
  .strictObject({
    from: z
      .string()
      .regex(
        /^(?:[^<>\r\n]*<[^\s@<>]+@[^\s@<>]+>|[^\s@<>]+@[^\s@<>]+)$/,
        'must be an address, such as "Sign-in <no-reply@example.org>"',
      )
      .optional()
      .describe('The sender of our mails.'),
    transport: z
      .strictObject({
        kind: z.enum(['outbox', 'smtp']).describe('"smtp" sends; "outbox" writes each mail as a file into a folder.'),
        folder: text()
          .optional()
          .describe('The folder of the outbox; "outbox" in the data folder where it is missing.'),
        console: z.boolean().optional().describe('Also print each mail on the console; only with demo: true.'),
        ...secretKeys('url', 'The address of the mail server, smtps://user:password@host:465 or smtp://host:25.'),
      })
      .optional()
      .describe('How mail leaves; needed without demo: true.'),
  })
  .describe('How mail leaves: a mail server, or an outbox folder.');

export type MailFile = z.output<typeof mailSchema>;
