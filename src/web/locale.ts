// Which language a page speaks: what was picked, what the service asked (ui_locales), what the account prefers, what the browser accepts.

/** Where wishes come from, the strongest first. Each may name languages that we do not have. */
export interface LanguageWishes {
  /** The picker's cookie: a choice made by hand on this browser, or the picker would do nothing where a service sends ui_locales. */
  picked?: string | undefined;
  /** `ui_locales` of the request: tags separated by spaces (OpenID Connect Core section 3.1.2.1). */
  uiLocales?: string | undefined;
  /** The account's language. */
  account?: string | undefined;
  /** The Accept-Language header. */
  accepted?: string | undefined;
}

/** Languages of an Accept-Language header (RFC 9110 section 12.5.4), the most wanted first; at most ten are read. */
function acceptedTags(header: string): string[] {
  return header
    .split(',', 10)
    .map((part) => {
      const [tag = '', ...parameters] = part.trim().split(';');
      const quality = parameters
        .map((parameter) => /^\s*q=([\d.]+)\s*$/.exec(parameter)?.[1])
        .find((value) => value !== undefined);
      return { tag: tag.trim(), quality: quality === undefined ? 1 : Number(quality) };
    })
    .filter((wish) => wish.quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .map((wish) => wish.tag);
}

/**
 * The first wish that we can fulfil; `de-AT` is fulfilled by `de` (RFC 4647 section 3.4, lookup).
 * @param available tags that exist; the first is the fallback.
 */
export function chooseLanguage(wishes: LanguageWishes, available: readonly string[]): string {
  const tags = [
    wishes.picked ?? '',
    ...(wishes.uiLocales ?? '').split(' ', 10),
    wishes.account ?? '',
    ...acceptedTags(wishes.accepted ?? ''),
  ];
  for (const tag of tags) {
    const parts = tag.toLowerCase().split('-');
    for (let length = parts.length; length > 0; length -= 1) {
      const prefix = parts.slice(0, length).join('-');
      const found = available.find((language) => language.toLowerCase() === prefix);
      if (found !== undefined) return found;
    }
  }
  return available[0] ?? 'en';
}
