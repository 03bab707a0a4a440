// What the core is told of a request, and what it answers where the request may not pass.

/** What a check needs of a request. Header names are in lower case, as Node and fetch have them. */
export interface IncomingRequest {
  method: string;
  /** Path with query, or an absolute address: only its path counts, never its host. */
  url: string;
  header(name: string): string | undefined;
  /** The framework's own object: Koa's `ctx`, Express' `request`, Fastify's `request`, a `Request`. */
  native?: unknown;
}

/** The answer to a request that may not pass. It tells what the client needs in order to do better, and nothing else. */
export interface Refusal {
  status: 400 | 401 | 403 | 503;
  headers: { [name: string]: string };
  body: { error: string; error_description: string };
}
