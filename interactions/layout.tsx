// The frame of every page: head, brand, one main part, languages. Pages are rendered once on the server; scripts only add to them.

import type { Context } from 'koa';
import { type ComponentChildren, createContext, type VNode } from 'preact';
import { useContext } from 'preact/hooks';
import { renderToString } from 'preact-render-to-string';
import type { ShownNotice } from '../src/domain/notices.ts';
import { type ReadOnlyNotice, textFor } from '../src/protocol/notices.ts';
import type { BrandingSettings } from '../src/settings/settings.ts';
import type { Assets } from './assets.ts';
import { brandStyle } from './brand.ts';
import { helpIn, type Topic } from './help/topics.ts';
import { LANGUAGES, languageName, type Words } from './words.ts';

/** What every page and part can read: made once a request (interaction.ts, `viewOf`). */
export interface View {
  words: Words;
  nonce: string;
  assets: Assets;
  brand: BrandingSettings;
  /** What the operator tells people now. */
  notices: readonly ShownNotice[];
  /** Nothing can be changed now. */
  readOnly?: ReadOnlyNotice;
  /** Path and query of the page, for the language picker's way back. */
  here: string;
}

const ViewContext = createContext<View | undefined>(undefined);

/** The view of the page that a part stands in. */
export function useView(): View {
  const view = useContext(ViewContext);
  if (!view) throw new Error('a part was rendered outside of a page');
  return view;
}

/** The words of the page that a part stands in. */
export function useWords(): Words {
  return useView().words;
}

/** Two strokes that meet: one signs, the other countersigns. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" width="32" height="32" aria-hidden="true" focusable="false">
      <path class="mark-first" d="M5 17.5 C8.5 18.5 11 21.5 13 26 C15.5 17.5 20 10.5 27 5.5" />
      <path class="mark-second" d="M4 9.5 C10.5 8.5 17 10.5 20.5 14 C23.5 17 25.5 21 26.5 26" />
    </svg>
  );
}

function Brand() {
  const { brand } = useView();
  const own = brand.logoFile !== undefined;
  return (
    <p class="brand">
      {own ? <img class="brand-logo" src="/brand/logo" alt="" height="32" /> : <Mark />}
      <span>{brand.name}</span>
    </p>
  );
}

/** What cannot be done now, until when, and what the operator says of it. */
function ReadOnlyTold({ until, text }: ReadOnlyNotice) {
  const words = useWords();
  const own = text && textFor(text, words.language);
  return (
    <div class="notice warn" id="read-only">
      <p>{words('parts.read_only')}</p>
      {until !== undefined && <p>{words('parts.read_only_until', { time: words.universal(until * 1000) })}</p>}
      {own && (
        <p lang={own.language} dir="auto">
          {own.text}
        </p>
      )}
    </div>
  );
}

/** The operator's own words, as text; what is only announced looks quieter. */
function OperatorNotices() {
  const { notices, readOnly, words } = useView();
  if (notices.length === 0 && !readOnly) return null;
  return (
    <div class="notices">
      {readOnly && <ReadOnlyTold {...readOnly} />}
      {notices.map(({ text, state }, index) => {
        const told = textFor(text, words.language);
        return (
          <p key={index} class={`notice ${state === 'active' ? 'warn' : 'info'}`} lang={told.language} dir="auto">
            {told.text}
          </p>
        );
      })}
    </div>
  );
}

function Languages() {
  const { words, here } = useView();
  if (LANGUAGES.length < 2) return null;
  return (
    <details class="languages">
      <summary>
        <span class="unseen">{words('parts.language')}: </span>
        <span lang={words.language}>{languageName(words.language)}</span>
      </summary>
      <form method="post" action="/language">
        <input type="hidden" name="return" value={here} />
        {LANGUAGES.map((language) => (
          <button
            key={language}
            type="submit"
            name="language"
            value={language}
            lang={language}
            aria-pressed={language === words.language}
          >
            {languageName(language)}
          </button>
        ))}
      </form>
    </details>
  );
}

/** Opens beside the page: a sign-in that waits goes on waiting, and what was typed stays. */
function HelpLink({ topic }: { topic: Topic | undefined }) {
  const { brand, words } = useView();
  const help = helpIn(words);
  const ours = topic === undefined ? '/help' : (brand.help.topics[topic] ?? `/help/${topic}`);
  return (
    <a href={brand.help.url ?? ours} target="_blank" rel="noopener">
      {help.word('link')} <span class="unseen">({help.word('new_tab')})</span>
    </a>
  );
}

function Footer({ help }: { help: PageProps['help'] }) {
  const { brand, words } = useView();
  return (
    <footer>
      {(brand.links.length > 0 || help !== 'none') && (
        <nav aria-label={words('parts.links')}>
          <ul class="links">
            {help !== 'none' && (
              <li>
                <HelpLink topic={help} />
              </li>
            )}
            {brand.links.map((link) => (
              <li key={link.url}>
                <a href={link.url}>{link.name}</a>
              </li>
            ))}
          </ul>
        </nav>
      )}
      <Languages />
    </footer>
  );
}

/** Properties of {@link Page}. */
export interface PageProps {
  view: View;
  /** What the page is, for the tab; the brand is added. */
  title: string;
  /** Folder of the script that adds to the page: `login` for interactions/login/script.ts. */
  script?: string;
  /** `wide` for lists and tables; one narrow column otherwise. */
  width?: 'narrow' | 'wide';
  /** Stands above the main part, at the right of the brand: account name, sign-out. */
  aside?: ComponentChildren;
  /** Seconds after which a browser without JavaScript loads the page again. */
  refresh?: number;
  /** What help the page leads to; all topics where it is missing, and none on the help pages themselves. */
  help?: Topic | 'none';
  children: ComponentChildren;
}

/** A whole document. */
export function Page({ view, title, script, width = 'narrow', aside, refresh, help, children }: PageProps) {
  const { words, brand, assets, nonce } = view;
  const style = brandStyle(brand.colours);
  return (
    <ViewContext.Provider value={view}>
      <html lang={words.language} dir={words.direction}>
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="robots" content="noindex" />
          <meta name="color-scheme" content="light dark" />
          <title>{words('parts.title', { page: title, brand: brand.name })}</title>
          <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
          <link rel="stylesheet" href={assets.url('pages')} nonce={nonce} />
          {style !== '' && <style nonce={nonce} dangerouslySetInnerHTML={{ __html: style }} />}
          {refresh !== undefined && (
            <noscript>
              <meta http-equiv="refresh" content={String(refresh)} />
            </noscript>
          )}
        </head>
        <body class={width}>
          <a class="skip" href="#main">
            {words('parts.skip')}
          </a>
          <header>
            <Brand />
            {aside !== undefined && <div class="aside">{aside}</div>}
          </header>
          <main id="main">
            <OperatorNotices />
            {children}
          </main>
          <Footer help={help} />
          {script !== undefined && <script type="module" nonce={nonce} src={assets.url(script)} />}
        </body>
      </html>
    </ViewContext.Provider>
  );
}

/** A page as HTML. */
export function html(page: VNode): string {
  return `<!doctype html>${renderToString(page)}`;
}

/** Answers with a page. */
export function show(ctx: Context, page: VNode, status = 200): void {
  ctx.status = status;
  ctx.type = 'text/html; charset=utf-8';
  ctx.body = html(page);
}
