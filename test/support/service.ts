// A relying service in a test: builds authorization requests with PKCE, reads redirects, redeems codes over HTTP.
import { createHash, randomBytes } from 'node:crypto';
import { decodeJwt } from 'jose';
import { PASSWORD } from './house.ts';
import { type Answer, formOf, HttpBrowser } from './http-browser.ts';

/** Parameters of a request; `undefined` leaves a default out. */
export type Parameters = { readonly [name: string]: string | undefined };

/** A request that was built, with the verifier that its code needs. */
export interface Built {
  url: string;
  verifier: string;
}

/** The address that services of tests are sent back to. */
export const CALLBACK = 'http://localhost:9/callback';

/** Whether a redirect leaves for the service. */
export const atService = (url: string): boolean => url.startsWith(CALLBACK);

/** An authorization request of the service `payroll`, or of another one. */
export function authorization(issuer: string, parameters: Parameters = {}): Built {
  const verifier = randomBytes(32).toString('base64url');
  const wanted: Parameters = {
    client_id: 'payroll',
    redirect_uri: CALLBACK,
    response_type: 'code',
    scope: 'openid',
    state: 's',
    nonce: 'n',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...parameters,
  };
  const query = new URLSearchParams(
    Object.entries(wanted).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  return { url: `${issuer}/auth?${query}`, verifier };
}

/** The parameters with which the browser was sent back to the service. */
export function sentBack(answer: Answer): URLSearchParams {
  if (answer.location === undefined || !atService(answer.location)) {
    throw new Error(`not sent back to the service: ${answer.status} ${answer.url}\n${answer.text.slice(0, 1500)}`);
  }
  return new URL(answer.location).searchParams;
}

/** Answer of the token endpoint. */
export interface Tokens {
  status: number;
  body: { [name: string]: unknown };
}

/** Posts to the token endpoint. */
export async function tokenRequest(
  issuer: string,
  fields: Parameters,
  headers: { [name: string]: string } = {},
): Promise<Tokens> {
  const body = new URLSearchParams(
    Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const response = await fetch(`${issuer}/token`, { method: 'POST', body, headers });
  return { status: response.status, body: (await response.json()) as Tokens['body'] };
}

/** Redeems a code and answers the claims of the id_token with the tokens. */
export async function redeem(issuer: string, code: string, verifier: string, more: Parameters = {}) {
  const fields = {
    grant_type: 'authorization_code',
    client_id: 'payroll',
    redirect_uri: CALLBACK,
    code,
    code_verifier: verifier,
    ...more,
  };
  const tokens = await tokenRequest(issuer, fields);
  if (tokens.status !== 200) throw new Error(JSON.stringify(tokens.body));
  return { ...tokens, claims: decodeJwt(String(tokens.body['id_token'])) };
}

/** Fills the login page in and goes where it leads. */
export async function logIn(browser: HttpBrowser, page: Answer, login: string, password = PASSWORD): Promise<Answer> {
  const { url, fields } = formOf(page, '/login');
  return browser.post(url, { ...fields, login, password }, atService);
}

/** A browser in which a person has signed in to `payroll` with the password. */
export async function signedIn(issuer: string, login: string, parameters: Parameters = {}) {
  const browser = new HttpBrowser();
  const request = authorization(issuer, parameters);
  const answer = await logIn(browser, await browser.visit(request.url, atService), login);
  return { browser, request, answer };
}
