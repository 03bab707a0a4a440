// A browser without a screen: cookies by path, redirects followed one by one, forms posted as a browser would post them.

interface Cookie {
  value: string;
  path: string;
}

/** An answer with its text read. */
export interface Answer {
  status: number;
  url: string;
  text: string;
  headers: Headers;
  location?: string;
}

/** One person's browser against servers on loopback. Cookies are kept by host name, name and path (ports share them, as in browsers). */
export class HttpBrowser {
  readonly #jar = new Map<string, Cookie>();

  /** One request, no redirect followed. */
  async request(url: string, init: RequestInit = {}): Promise<Answer> {
    const target = new URL(url);
    const headers = new Headers(init.headers);
    const cookie = this.cookiesFor(target.pathname);
    if (cookie && !headers.has('cookie')) headers.set('cookie', cookie);
    if (!headers.has('accept')) headers.set('accept', 'text/html');
    const response = await fetch(target, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) this.#keep(line, target.pathname);
    const location = response.headers.get('location');
    return {
      status: response.status,
      url: target.href,
      text: await response.text(),
      headers: response.headers,
      ...(location === null ? {} : { location: new URL(location, target).href }),
    };
  }

  /** Follows redirects until a page, or until an address that `stop` names (a service's redirect_uri that nobody serves). */
  async visit(url: string, stop: (url: string) => boolean = () => false, init: RequestInit = {}): Promise<Answer> {
    let answer = await this.request(url, init);
    for (let hop = 0; hop < 20 && answer.location !== undefined; hop += 1) {
      if (stop(answer.location)) return answer;
      answer = await this.request(answer.location);
    }
    return answer;
  }

  /** Posts a form from our own page and follows where it leads. */
  post(url: string, fields: Record<string, string>, stop?: (url: string) => boolean): Promise<Answer> {
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      origin: new URL(url).origin,
      'sec-fetch-site': 'same-origin',
    };
    return this.visit(url, stop, { method: 'POST', headers, body: new URLSearchParams(fields).toString() });
  }

  /** The Cookie header for a path. */
  cookiesFor(path: string): string {
    return [...this.#jar.entries()]
      .filter(([, cookie]) => path === cookie.path || path.startsWith(cookie.path.replace(/\/?$/, '/')))
      .map(([key, cookie]) => `${key.slice(0, key.indexOf(' '))}=${cookie.value}`)
      .join('; ');
  }

  /** The value of a cookie by name. */
  cookie(name: string): string | undefined {
    return [...this.#jar.entries()].find(([key]) => key.startsWith(`${name} `))?.[1].value;
  }

  /** Plants or replaces a cookie. */
  setCookie(name: string, value: string, path = '/'): void {
    this.#jar.set(`${name} ${path}`, { value, path });
  }

  #keep(line: string, requestPath: string): void {
    const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
    const name = pair.slice(0, pair.indexOf('='));
    const value = pair.slice(pair.indexOf('=') + 1);
    const attribute = (wanted: string) =>
      attributes.find((text) => text.toLowerCase().startsWith(`${wanted}=`))?.slice(wanted.length + 1);
    const path = attribute('path') ?? (requestPath.slice(0, requestPath.lastIndexOf('/')) || '/');
    const expires = attribute('expires');
    const gone = attribute('max-age') === '0' || (expires !== undefined && Date.parse(expires) < Date.now());
    if (gone || value === '') this.#jar.delete(`${name} ${path}`);
    else this.#jar.set(`${name} ${path}`, { value, path });
  }
}

/** The address and hidden fields of a page's form, the one whose action ends with `action`. */
export function formOf(answer: Answer, action: string): { url: string; fields: Record<string, string> } {
  const forms = [...answer.text.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)];
  const found = forms.find(([, attributes]) => attributeOf(attributes ?? '', 'action')?.endsWith(action));
  if (!found)
    throw new Error(
      `no form with action …${action} at ${answer.url} (${answer.status}):\n${answer.text.slice(0, 2000)}`,
    );
  const inputs = [...(found[2] ?? '').matchAll(/<input\b([^>]*)>/g)].map(([, attributes]) => attributes ?? '');
  const hidden = inputs.filter((attributes) => attributeOf(attributes, 'type') === 'hidden');
  const fields = Object.fromEntries(
    hidden.map((attributes) => [attributeOf(attributes, 'name') ?? '', attributeOf(attributes, 'value') ?? '']),
  );
  return { url: new URL(attributeOf(found[1] ?? '', 'action') ?? '', answer.url).href, fields };
}

function attributeOf(attributes: string, name: string): string | undefined {
  return new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1]?.replaceAll('&amp;', '&').replaceAll('&quot;', '"');
}
