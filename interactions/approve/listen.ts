// Hears what the phone does: server-sent events, and polling where they do not come through (proxies that buffer, networks that cut).

/** What the server tells: never who, with which phone, or for what. `left` in seconds. */
export interface Heard {
  state: string;
  left: number;
  /** The phone has the request in hand. */
  seen?: boolean;
  frame?: { i: number; mac: string };
}

/** The server speaks at least every 10 s; after so long without a word the stream is taken for dead. */
const SILENCE = 25_000;
const FIRST_WORD = 5_000;
const POLL_EVERY = 2_000;

/**
 * Calls `heard` at each word of the server until the returned function is called.
 * @param events address of the event stream. @param state address that answers one {@link Heard} as JSON.
 * @param onFallback called once when polling takes over.
 */
export function listen(
  events: string,
  state: string,
  heard: (word: Heard) => void,
  onFallback: () => void = () => {},
): () => void {
  let stopped = false;
  let polling = false;
  let source: EventSource | undefined;
  let watchdog: ReturnType<typeof setTimeout> | undefined;

  const ask = async () => {
    try {
      const answer = await fetch(state, { headers: { accept: 'application/json' }, cache: 'no-store' });
      if (answer.ok && !answer.redirected && !stopped) heard((await answer.json()) as Heard);
      // The sign-in is over for this browser: the page itself says why.
      if (answer.redirected || (answer.status >= 400 && answer.status < 500)) location.reload();
    } catch {
      // The network is away for a moment: the next round asks again.
    }
  };
  const poll = async () => {
    if (stopped) return;
    await ask();
    if (!stopped) setTimeout(poll, POLL_EVERY);
  };
  const fallBack = () => {
    if (polling || stopped) return;
    polling = true;
    source?.close();
    clearTimeout(watchdog);
    onFallback();
    void poll();
  };
  const expectWithin = (milliseconds: number) => {
    clearTimeout(watchdog);
    watchdog = setTimeout(fallBack, milliseconds);
  };
  const onWord = (event: MessageEvent<string>) => {
    if (stopped) return;
    expectWithin(SILENCE);
    heard(JSON.parse(event.data) as Heard);
  };
  const onVisible = () => {
    // A phone's browser sleeps while the app is in front: ask at once when the person comes back.
    if (document.visibilityState === 'visible' && !stopped) void ask();
  };

  if ('EventSource' in window) {
    source = new EventSource(events);
    source.addEventListener('state', onWord);
    source.addEventListener('error', () => {
      // The browser retries by itself while CONNECTING; CLOSED means that the server refused the stream.
      if (source?.readyState === EventSource.CLOSED) fallBack();
    });
    expectWithin(FIRST_WORD);
  } else {
    fallBack();
  }
  document.addEventListener('visibilitychange', onVisible);
  return () => {
    stopped = true;
    source?.close();
    clearTimeout(watchdog);
    document.removeEventListener('visibilitychange', onVisible);
  };
}
