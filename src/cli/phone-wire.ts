// A phone's side of the wire: posts signed messages, reads problem documents, and follows the live stream.
import {
  devicePath,
  type Endpoint,
  type Metadata,
  type PendingList,
  type Problem,
  type ProblemCode,
  problemCode,
} from '../protocol/messages.ts';

/** The server refused: `code` says why, `problem` carries what belongs to it. */
export class PhoneProblem extends Error {
  override name = 'PhoneProblem';
  readonly code: ProblemCode | undefined;
  readonly status: number;
  readonly problem: Partial<Problem>;

  constructor(status: number, problem: Partial<Problem>) {
    const code = problemCode(problem);
    super(code ?? `HTTP ${status}`);
    this.code = code;
    this.status = status;
    this.problem = problem;
  }
}

/** The server cannot be reached, or what answers is no Countersign. */
export class Unreachable extends Error {
  override name = 'Unreachable';
}

/** Milliseconds that an answer may take. */
const PATIENCE = 15_000;

/** Talks to one APP-ORIGIN. */
export class PhoneWire {
  readonly origin: string;
  readonly #fetch: typeof fetch;

  constructor(origin: string, using: typeof fetch = fetch) {
    this.origin = origin;
    this.#fetch = using;
  }

  /** `metadata`; refused where it is another origin's (protocol section 1). */
  async metadata(): Promise<Metadata> {
    const answer = await this.#request(devicePath('metadata'), { signal: AbortSignal.timeout(PATIENCE) });
    const facts = (await json(answer)) as Metadata;
    if (facts.app_origin !== this.origin) throw new Unreachable(`${this.origin} says that it is ${facts.app_origin}`);
    return facts;
  }

  /** Posts a signed message. @returns the JSON of the answer; an empty object for 204. @throws PhoneProblem, Unreachable */
  async post(endpoint: Endpoint, jws: string): Promise<unknown> {
    const signal = AbortSignal.timeout(PATIENCE);
    const answer = await this.#request(devicePath(endpoint), { ...message(jws), signal });
    return answer.status === 204 ? {} : json(answer);
  }

  /** Follows `stream` until it ends or `signal` fires. */
  async follow(jws: string, listener: (list: PendingList) => void, signal: AbortSignal): Promise<void> {
    const answer = await this.#request(devicePath('stream'), { ...message(jws), signal });
    if (!answer.body) return;
    let buffer = '';
    const decoder = new TextDecoder();
    try {
      for await (const chunk of answer.body) {
        buffer += decoder.decode(chunk, { stream: true });
        const events = buffer.split('\n\n');
        buffer = events.pop() ?? '';
        for (const event of events) tell(event, listener);
      }
    } catch (error) {
      if (!signal.aborted) throw new Unreachable('the connection was lost', { cause: error });
    }
  }

  async #request(path: string, init: RequestInit): Promise<Response> {
    let answer: Response;
    try {
      answer = await this.#fetch(`${this.origin}${path}`, { redirect: 'error', ...init });
    } catch (error) {
      throw new Unreachable(`cannot reach ${this.origin}`, { cause: error });
    }
    if (answer.ok) return answer;
    throw new PhoneProblem(answer.status, await problemOf(answer));
  }
}

function message(jws: string): RequestInit {
  return { method: 'POST', headers: { 'Content-Type': 'application/jose' }, body: jws };
}

async function json(answer: Response): Promise<unknown> {
  try {
    return await answer.json();
  } catch (error) {
    throw new Unreachable('the answer is not one of a Countersign server', { cause: error });
  }
}

async function problemOf(answer: Response): Promise<Partial<Problem>> {
  try {
    const value: unknown = await answer.json();
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

function tell(event: string, listener: (list: PendingList) => void): void {
  const field = (name: string) =>
    event
      .split('\n')
      .filter((line) => line.startsWith(`${name}:`))
      .map((line) => line.slice(name.length + 1).trim())
      .join('\n');
  if (field('event') === 'pending') listener(JSON.parse(field('data')) as PendingList);
}
