// The language that a person chooses: kept on this browser, and with the account of whoever is signed in here, whose mails speak it.
import type { Context } from 'koa';
import { readForm } from '../../src/web/body.ts';
import { Refusal } from '../../src/web/errors.ts';
import { keepLanguage, seeOther } from '../interaction.ts';
import { LANGUAGES } from '../words.ts';
import { type AccountDeps, home, liveSession, type VisitHandler } from './guard.ts';

function languageIn(text: string): string {
  if (!LANGUAGES.includes(text)) throw new Refusal('malformed');
  return text;
}

/** POST /account/language: the setting of the account page. */
export const setLanguage: VisitHandler = async (ctx, deps, visit) => {
  const language = languageIn(visit.form.text('locale'));
  await deps.world.records.users.setLocale(visit.user.id, language);
  keepLanguage(ctx, deps, language);
  await home(ctx, deps, visit, 'language_changed');
};

/**
 * POST /language: the picker below every page. Goes back to the page where it was picked, never anywhere else. Where somebody is signed
 * in at their account page it is their setting too: that page says "language of pages and mails", and would not tell the truth otherwise.
 */
export async function pickLanguage(ctx: Context, deps: AccountDeps): Promise<void> {
  const form = await readForm(ctx);
  const language = languageIn(form.text('language'));
  const live = await liveSession(ctx, deps);
  if (live) await deps.world.records.users.setLocale(live.user.id, language);
  keepLanguage(ctx, deps, language);
  seeOther(ctx, ownPath(form.text('return'), deps.settings().server.issuer));
}

/** A path of ours: what the browser would make of the text must stay at our origin. */
function ownPath(text: string, issuer: string): string {
  const base = new URL(issuer);
  if (!text.startsWith('/') || !URL.canParse(text, base)) return '/';
  const url = new URL(text, base);
  return url.origin === base.origin && !url.pathname.startsWith('//') ? url.pathname + url.search : '/';
}
