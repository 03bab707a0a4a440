// A browser reduced to what costs the server work: cookies, redirects and forms, over kept connections.
import { type Dispatcher, Pool } from 'undici';

/** An answer that was read to its end. */
export interface Answer {
  status: number;
  headers: Dispatcher.ResponseData['headers'];
  body: string;
}

/** The kept connections to one server. */
export class Connections {
  readonly origin: string;
  readonly #pool: Pool;

  /** @param connections as many as requests run at once. @param ca the authority whose certificates are good, where it is TLS. */
  constructor(origin: string, connections: number, ca?: string) {
    this.origin = origin;
    const trust = ca === undefined ? {} : { connect: { ca } };
    this.#pool = new Pool(origin, {
      connections,
      pipelining: 1,
      bodyTimeout: 30_000,
      headersTimeout: 30_000,
      ...trust,
    });
  }

  /** Sends one request and reads its answer. */
  async send(options: Omit<Dispatcher.RequestOptions, 'origin'>): Promise<Answer> {
    const { statusCode, headers, body } = await this.#pool.request(options);
    return { status: statusCode, headers, body: await body.text() };
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }
}

/** One visitor with cookies of its own. */
export class Visitor {
  readonly #server: Connections;
  readonly #cookies: Map<string, { value: string; path: string }>;

  /** @param from a visitor whose cookies this one gets a copy of. */
  constructor(server: Connections, from?: Visitor) {
    this.#server = server;
    this.#cookies = new Map(from ? [...from.#cookies] : []);
  }

  #cookieHeader(path: string): string {
    const fitting = [...this.#cookies].filter(([, cookie]) => path.startsWith(cookie.path));
    return fitting.map(([name, { value }]) => `${name.split('|')[0]}=${value}`).join('; ');
  }

  #store(headers: Answer['headers']): void {
    for (const line of [headers['set-cookie'] ?? []].flat()) {
      const [pair = '', ...attributes] = line.split(/; */);
      const [name = '', value = ''] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
      const path = attributes.find((attribute) => /^path=/i.test(attribute))?.slice(5) ?? '/';
      if (value === '') this.#cookies.delete(`${name}|${path}`);
      else this.#cookies.set(`${name}|${path}`, { value, path });
    }
  }

  async #visit(method: 'GET' | 'POST', path: string, form?: URLSearchParams): Promise<Answer> {
    const headers: Record<string, string> = {
      cookie: this.#cookieHeader(path.split('?')[0] ?? '/'),
      accept: 'text/html',
    };
    if (form) {
      headers['content-type'] = 'application/x-www-form-urlencoded';
      headers.origin = this.#server.origin;
      headers['sec-fetch-site'] = 'same-origin';
    }
    const answer = await this.#server.send({ method, path, headers, ...(form ? { body: form.toString() } : {}) });
    this.#store(answer.headers);
    return answer;
  }

  /**
   * Goes where a person would go: follows redirects and fills in forms until the redirect leaves the server.
   * @param fill values by field name.
   * @returns the address that the browser would be sent to.
   */
  async journey(start: string, fill: Record<string, string> = {}): Promise<URL> {
    const origin = this.#server.origin;
    let answer = await this.#visit('GET', start);
    for (let step = 0; step < 20; step += 1) {
      const location = answer.headers.location;
      if (typeof location === 'string') {
        const next = new URL(location, origin);
        if (next.origin !== origin) return next;
        answer = await this.#visit('GET', next.pathname + next.search);
        continue;
      }
      const form = formOf(answer, fill);
      answer = await this.#visit('POST', form.action, form.fields);
    }
    throw new Error('the sign-in does not come to an end');
  }
}

/** The first form of a page with a field to fill in, its hidden fields kept. */
function formOf(answer: Answer, fill: Record<string, string>): { action: string; fields: URLSearchParams } {
  const forms = answer.body.match(/<form\b[\s\S]*?<\/form>/gi) ?? [];
  const form = forms.find((text) => Object.keys(fill).some((name) => text.includes(`name="${name}"`)));
  if (form === undefined) throw new Error(`no form to fill in (status ${answer.status}): ${answer.body.slice(0, 300)}`);
  const fields = new URLSearchParams();
  for (const [input] of form.matchAll(/<input\b[^>]*>/gi)) {
    const attribute = (name: string) => new RegExp(`\\b${name}="([^"]*)"`, 'i').exec(input)?.[1];
    const name = attribute('name');
    if (name === undefined || ['checkbox', 'radio'].includes(attribute('type') ?? '')) continue;
    fields.set(name, fill[name] ?? attribute('value') ?? '');
  }
  const action = /<form\b[^>]*\baction="([^"]*)"/i.exec(form)?.[1] ?? '';
  const target = new URL(action.replaceAll('&amp;', '&'), 'http://here');
  return { action: target.pathname + target.search, fields };
}
