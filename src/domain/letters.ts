// Every mail about phones, in one place. Plain sentences: what happened, and what to do if it was not you. No letter holds a secret or a link that signs in.
import type { User } from './user.ts';

/** What a letter can be about. */
export type Letter =
  | { about: 'device_added'; device: string }
  | { about: 'device_removed'; device: string }
  | { about: 'device_locked'; device: string }
  | { about: 'device_cloned'; device: string }
  | { about: 'pin_changed'; device: string }
  | { about: 'enrolment_second_phone'; device: string }
  | { about: 'sign_in_reported'; service: string; browser: string }
  | { about: 'offline_closed' }
  | { about: 'password_changed' };

/** A letter's words. */
export interface Words {
  subject: string;
  text: string;
}

const NOT_YOU =
  'If this was not you, open your account page, change your password and remove the phones you do not know.';

type WordsOf<L extends Letter> = (letter: L) => { subject: string; lines: string[] };

const ENGLISH: { [about in Letter['about']]: WordsOf<Extract<Letter, { about: about }>> } = {
  device_added: ({ device }) => ({
    subject: 'A phone was added to your account',
    lines: [`The phone "${device}" can now approve your sign-ins.`, NOT_YOU],
  }),
  device_removed: ({ device }) => ({
    subject: 'A phone was removed from your account',
    lines: [`The phone "${device}" can no longer approve your sign-ins.`, NOT_YOU],
  }),
  device_locked: ({ device }) => ({
    subject: 'A phone was locked',
    lines: [
      `The PIN was typed wrong five times on the phone "${device}". We locked it.`,
      'Was it you? Remove the phone on your account page and add it again.',
      NOT_YOU,
    ],
  }),
  device_cloned: ({ device }) => ({
    subject: 'A phone may have been copied',
    lines: [
      `Somebody answered with an old copy of the phone "${device}". We locked it at once.`,
      'Remove this phone on your account page, then add it again. Restoring the phone from a backup can cause this too.',
      NOT_YOU,
    ],
  }),
  pin_changed: ({ device }) => ({
    subject: 'The PIN of a phone was changed',
    lines: [`The phone "${device}" has a new PIN.`, NOT_YOU],
  }),
  enrolment_second_phone: ({ device }) => ({
    subject: 'A second phone tried to use your code',
    lines: [
      `After the phone "${device}" was added, another phone tried to use the same code. It was refused.`,
      'If you do not know the phone that was added, remove this device on your account page now.',
    ],
  }),
  sign_in_reported: ({ service, browser }) => ({
    subject: 'You reported a sign-in',
    lines: [
      `On your phone you said that a sign-in to ${service} from ${browser} was not you. We stopped it.`,
      'Somebody may know your password. Please change it. Until your next full sign-in we send no requests to your phone by ourselves.',
    ],
  }),
  offline_closed: () => ({
    subject: 'Codes from your phone are switched off for now',
    lines: [
      'Too many wrong codes were typed for your account. We accept no typed codes until you approve a sign-in with your phone online.',
      NOT_YOU,
    ],
  }),
  password_changed: () => ({
    subject: 'Your password was changed',
    lines: [
      'Your password was changed, and every sign-in that was open has ended. Your phones stay as they are.',
      'If this was not you, use "Forgotten password?" on the sign-in page at once, and remove the phones you do not know.',
    ],
  }),
};

/**
 * The words of a letter.
 * @param _locale BCP 47 tag of the person's language. Only English is written so far: every tag gives English.
 */
export function words(letter: Letter, _locale: string | undefined): Words {
  const write = ENGLISH[letter.about] as WordsOf<Letter>;
  const { subject, lines } = write(letter);
  return { subject, text: `${lines.join('\n\n')}\n` };
}

/** The letter as a mail to this person; undefined where we have no address. */
export function letterTo(user: User, letter: Letter): { to: string; subject: string; text: string } | undefined {
  if (!user.email) return undefined;
  const { subject, text } = words(letter, user.locale);
  return { to: user.email, subject, text: `Hello ${user.name},\n\n${text}` };
}
