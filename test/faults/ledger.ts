// What was answered to the people of one run, and what must therefore hold: nobody in without proof, nothing lost, nothing accepted twice.

/** A code, and how often it was taken. */
export interface Code {
  code: string;
  verifier: string;
  taken: number;
}

/** The book of one run. */
export interface Ledger {
  /** What broke the rules, in words. */
  violations: string[];
  violated(what: string): void;
  /** Steps of people that failed while the fault was there, by their reason: allowed, and told. */
  refusals: Map<string, number>;
  refused(error: unknown): void;
  /** Every code that was given, spent or not. */
  codes: Code[];
  /** The same request of a browser that was let in once: it must not be let in again. */
  finished: (() => Promise<boolean>)[];
  /** Checks of what was acknowledged, made when everything runs again. */
  kept: Map<string, () => Promise<string | undefined>>;
  /** Whole rounds of people. */
  rounds: number;
  /** The longest time that any answer took, in milliseconds, and whose it was. */
  longest: { ms: number; what: string };
}

/** An empty book. */
export function openLedger(): Ledger {
  const violations: string[] = [];
  const refusals = new Map<string, number>();
  return {
    violations,
    violated: (what) => void violations.push(what),
    refusals,
    refused: (error) => {
      const text = (error instanceof Error ? error.message : String(error)).split('\n')[0]?.slice(0, 90) ?? '';
      const reason = text.replaceAll(/[\w-]{16,}/g, '…');
      refusals.set(reason, (refusals.get(reason) ?? 0) + 1);
    },
    codes: [],
    finished: [],
    kept: new Map(),
    rounds: 0,
    longest: { ms: 0, what: '' },
  };
}

/** Milliseconds after which an answer counts as hanging. */
const HANGS = 10_000;

/** Looks at every answer that this process gets over HTTP from the nodes, from now on. @param book of the run that is on. */
export function watchAnswers(book: () => Ledger): void {
  const real = globalThis.fetch;
  globalThis.fetch = async (input, init) => {
    const target = new URL(input instanceof Request ? input.url : String(input));
    const what = `${init?.method ?? 'GET'} ${target.pathname.replaceAll(/[\w-]{16,}/g, '…')}`;
    const ledger = book();
    const begun = performance.now();
    try {
      const answer = await real(input, { signal: AbortSignal.timeout(2 * HANGS), ...init });
      if (answer.status === 500) ledger.violated(`${what} answered 500`);
      if (answer.status === 503 && target.hostname === 'localhost' && answer.headers.get('retry-after') === null)
        ledger.violated(`${what} answered 503 without Retry-After`);
      return answer;
    } finally {
      const ms = performance.now() - begun;
      if (ms > ledger.longest.ms) ledger.longest = { ms, what };
      if (ms > HANGS) ledger.violated(`${what} hung for ${Math.round(ms)} ms`);
    }
  };
}
