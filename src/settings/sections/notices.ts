// notices.yaml: what the operator tells people for a while, such as maintenance, and whether anything may be written meanwhile.
import { z } from 'zod';
import type { Notice, ReadOnlyMode } from '../../domain/notices.ts';
import { duration, text } from './pieces.ts';

const moment = () =>
  z.iso.datetime({ offset: true, error: 'must be a time with its offset, such as "2026-12-01T22:00:00Z"' });

const TAG = /^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/;

const byLanguage = () =>
  z.record(
    z.string().regex(TAG, 'must be a language tag, such as "de"'),
    z.string().min(1).max(500).describe('What is shown, as plain text.'),
  );

const notice = z.strictObject({
  text: byLanguage().describe('The text by language; `en` is required and stands in for languages that are missing.'),
  from: moment().describe('When it begins.'),
  until: moment().describe('When it ends; from then on it is not shown.'),
  announce: duration('0s', '90d').prefault('24h').describe('So long before `from` it is announced.'),
  services: z
    .array(text())
    .prefault([])
    .describe('client_ids: only sign-ins for these services show it. Without it every page does.'),
});

const readOnly = z
  .strictObject({
    on: z.boolean().prefault(false).describe('Nothing that lasts is written as long as this is true.'),
    until: moment()
      .optional()
      .describe('When it will probably be over: people are told. It ends when `on` is false, not by itself.'),
    text: byLanguage().optional().describe('What people are told besides, by language; `en` is required.'),
  })
  .describe('Read-only mode, for the time of a migration or of a fail-over of the database.');

export const noticesSchema = z
  .strictObject({
    notices: z.array(notice).max(20).prefault([]).describe('The notices, in the order in which they are shown.'),
    read_only: readOnly.prefault({}),
  })
  .describe('Notices at the top of the pages, such as of maintenance.');

export type NoticesFile = z.output<typeof noticesSchema>;

/** The notices as the rules read them. */
export function resolveNotices(file: NoticesFile): Notice[] {
  return file.notices.map(({ from, until, ...rest }) => ({
    ...rest,
    from: Math.floor(Date.parse(from) / 1000),
    until: Math.floor(Date.parse(until) / 1000),
  }));
}

/** Read-only mode as the rules read it. */
export function resolveReadOnly({ read_only: { on, until, text } }: NoticesFile): ReadOnlyMode {
  return {
    on,
    ...(until === undefined ? {} : { until: Math.floor(Date.parse(until) / 1000) }),
    ...(text === undefined ? {} : { text }),
  };
}
