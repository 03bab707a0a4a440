// What every step of a sign-in needs: the parts it may use, the view of this request, the interaction of this browser.
import type { Context } from 'koa';
import type { ShownNotice } from '../src/domain/notices.ts';
import type { World } from '../src/domain/ports.ts';
import type { ReadOnlyNotice } from '../src/protocol/notices.ts';
import type { InteractionDetails, Interactions } from '../src/provider/pages.ts';
import type { Settings } from '../src/settings/settings.ts';
import type { Cookies } from '../src/web/cookies.ts';
import { chooseLanguage } from '../src/web/locale.ts';
import { fact } from '../src/web/request.ts';
import type { Assets } from './assets.ts';
import type { View } from './layout.tsx';
import { LANGUAGES, wordsOf } from './words.ts';

/** What the pages are handed when they are mounted; `settings` is read at each use, since a reload replaces it. */
export interface PageDeps {
  world: World;
  interactions: Interactions;
  settings: () => Settings;
  assets: Assets;
  cookies: Cookies;
  /** The operator's notices of this moment. @param service the client_id of the sign-in; without it those for everybody. */
  notices: (service?: string) => readonly ShownNotice[];
  /** What is told of read-only mode at this moment; undefined where it is off. */
  readOnly: () => ReadOnlyNotice | undefined;
}

/** What a view needs. */
export type ViewDeps = Pick<PageDeps, 'settings' | 'assets' | 'cookies' | 'notices' | 'readOnly'>;

/**
 * The view of a request.
 * @param wishes `ui_locales` of the interaction and the account's language, where they are known. @param service who asks, in a sign-in.
 */
export function viewOf(
  ctx: Context,
  deps: ViewDeps,
  wishes: { uiLocales?: string | undefined; account?: string | undefined } = {},
  service?: { readonly clientId: string },
): View {
  const language = chooseLanguage(
    { ...wishes, picked: deps.cookies.read(ctx, 'language'), accepted: ctx.get('Accept-Language') },
    LANGUAGES,
  );
  const readOnly = deps.readOnly();
  return {
    words: wordsOf(language),
    nonce: fact(ctx, 'nonce'),
    assets: deps.assets,
    brand: deps.settings().branding,
    notices: deps.notices(service?.clientId),
    ...(readOnly ? { readOnly } : {}),
    here: ctx.method === 'GET' || ctx.method === 'HEAD' ? ctx.path + ctx.search : ctx.path,
  };
}

/** The language that the person picked by hand on this browser, where we have it. */
export function pickedLanguage(ctx: Context, deps: Pick<PageDeps, 'cookies'>): string | undefined {
  const picked = deps.cookies.read(ctx, 'language');
  return picked !== undefined && LANGUAGES.includes(picked) ? picked : undefined;
}

/** Seconds that a browser keeps the language that was picked on it. */
const LANGUAGE_SECONDS = 365 * 24 * 60 * 60;

/** Keeps the language on this browser. @param language one of {@link LANGUAGES}. */
export function keepLanguage(ctx: Context, deps: Pick<PageDeps, 'cookies'>, language: string): void {
  deps.cookies.write(ctx, 'language', language, LANGUAGE_SECONDS);
}

/** The step that answers each prompt; `/interaction/UID` shows it, or leads to `/interaction/UID/STEP`. */
export const STEP = { login: 'login', assurance: 'approve', enrol: 'enrol', consent: 'consent' } as const;

/** The address of a step of an interaction: `/interaction/UID`, or `/interaction/UID/STEP`. */
export function stepPath(details: Pick<InteractionDetails, 'uid'>, step?: string): string {
  return `/interaction/${encodeURIComponent(details.uid)}${step === undefined ? '' : `/${step}`}`;
}

/** 303: the browser goes on with a GET, whatever this request was. */
export function seeOther(ctx: Context, location: string): void {
  ctx.redirect(location);
  ctx.status = 303;
}
