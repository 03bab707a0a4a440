// Headers of a request as Node has them.
import type { IncomingHttpHeaders } from 'node:http';

/** Reads a header; one that came several times is joined, so that it is never taken for a single one. */
export function headerOf(headers: IncomingHttpHeaders): (name: string) => string | undefined {
  return (name) => {
    const value = headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  };
}
