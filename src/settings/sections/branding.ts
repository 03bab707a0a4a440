// branding.yaml: how pages look and what they call us.
import { z } from 'zod';
import { text } from './pieces.ts';

/** What the help pages are about, in the order in which they stand. */
export const HELP_TOPICS = [
  'app',
  'add',
  'new-phone',
  'lost-phone',
  'codes',
  'offline',
  'other-ways',
  'contact',
] as const;

const colour = () => z.string().regex(/^#[0-9A-Fa-f]{6}$/, 'must be a colour such as "#1f6feb"');

/** Links that the operator adds. @param longest characters of a link's words. */
const linksOf = (longest: number, most: number) =>
  z
    .array(
      z.strictObject({
        name: z.string().min(1).max(longest).describe('The words of the link.'),
        url: text().describe('Where it leads, https.'),
      }),
    )
    .max(most)
    .prefault([]);

export const brandingSchema = z
  .strictObject({
    name: z.string().min(1).max(40).prefault('Countersign').describe('The name that pages, mails and the phone show.'),
    logo_file: text().optional().describe('An SVG or PNG file, relative to the configuration folder.'),
    colours: z
      .strictObject({
        accent: colour().optional().describe('The colour of buttons and links on light pages.'),
        accent_dark: colour().optional().describe('The colour of buttons and links on dark pages.'),
      })
      .prefault({})
      .describe('Colours; the built-in ones where they are missing.'),
    links: linksOf(40, 6).describe('Links at the foot of each page: privacy, terms, imprint.'),
    support: z
      .strictObject({
        email: z
          .string()
          .regex(/^[^\s@<>]+@[^\s@<>]+$/, 'must be a mail address')
          .optional()
          .describe('The mail address for people who need help.'),
        url: text().optional().describe('A page for people who need help, https.'),
      })
      .optional()
      .describe('Whom people ask.'),
    help: z
      .strictObject({
        url: text()
          .optional()
          .describe('Help of your own, https: every page leads there, and not to the built-in help.'),
        topics: z
          .partialRecord(z.enum(HELP_TOPICS), text())
          .prefault({})
          .describe('Pages of your own for single topics, https.'),
        links: linksOf(80, 12).describe('More links below the built-in help.'),
      })
      .prefault({})
      .describe('Help: the built-in pages, yours in their place, or both.'),
  })
  .describe('The name, the logo, the colours and the links of the pages.');

export type BrandingFile = z.output<typeof brandingSchema>;
