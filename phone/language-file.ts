// The words of one language: fetched when they are first needed, and the last ones kept for the time without a network.

const KEPT = 'countersign-language-v1';
/** A file is `de-HASH.json`: another version of the app has another one for the same language. */
const languageOf = (url: string) => /\/([a-z]+)-[^/]*\.json$/.exec(url)?.[1];

/**
 * Reads the file. Without a network that of an earlier version of the app will do: a word that it lacks is said in English.
 * @throws where it can be had neither way.
 */
export async function readLanguage(url: string): Promise<unknown> {
  const kept = 'caches' in window ? await caches.open(KEPT) : undefined;
  const known = await kept?.match(url);
  if (known) return known.json();
  try {
    const response = await fetch(url, { credentials: 'omit' });
    if (!response.ok) throw new Error(`the words could not be had: ${response.status}`);
    const copy = response.clone();
    const words = await response.json();
    await kept?.put(url, copy);
    for (const { url: old } of (await kept?.keys()) ?? [])
      if (new URL(old).pathname !== new URL(url, old).pathname) await kept?.delete(old);
    return words;
  } catch (error) {
    for (const old of (await kept?.keys()) ?? []) {
      const earlier = languageOf(old.url) === languageOf(url) ? await kept?.match(old) : undefined;
      if (earlier) return earlier.json();
    }
    throw error;
  }
}
