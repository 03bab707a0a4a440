// notices.yaml: what the operator tells people for a while, such as maintenance.
import { z } from 'zod';
import type { Notice } from '../../domain/notices.ts';
import { duration, text } from './pieces.ts';

const moment = () =>
  z.iso.datetime({ offset: true, error: 'must be a time with its offset, such as "2026-12-01T22:00:00Z"' });

const TAG = /^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/;

const notice = z.strictObject({
  text: z
    .record(
      z.string().regex(TAG, 'must be a language tag, such as "de"'),
      z.string().min(1).max(500).describe('What is shown, as plain text.'),
    )
    .describe('The text by language; `en` is required and stands in for languages that are missing.'),
  from: moment().describe('When it begins.'),
  until: moment().describe('When it ends; from then on it is not shown.'),
  announce: duration('0s', '90d').prefault('24h').describe('So long before `from` it is announced.'),
  services: z
    .array(text())
    .prefault([])
    .describe('client_ids: only sign-ins for these services show it. Without it every page does.'),
});

export const noticesSchema = z
  .strictObject({
    notices: z.array(notice).max(20).prefault([]).describe('The notices, in the order in which they are shown.'),
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
