// `countersign client try`: walks the authorization code flow of a client and says of each parameter and claim what it is for.
import type { Command } from 'commander';
import type { JWTPayload } from 'jose';
import { seconds, systemClock } from '../platform/clock.ts';
import { systemRandom } from '../platform/random.ts';
import type { Settings } from '../settings/settings.ts';
import { type Callback, openCallback } from './callback.ts';
import {
  claimWords,
  comparison,
  duration,
  otherWay,
  PROOFS,
  parameterWords,
  unknownLevelWords,
} from './client-words.ts';
import { explainError } from './error-page.ts';
import { type Answer, clientNamed, type Fields, PlayedService, sha256 } from './played-service.ts';
import { readSettings } from './read-settings.ts';
import { addProofOptions, type ProofOptions, showsCertificate } from './service-certificate.ts';

interface TryOptions extends ProofOptions {
  acr?: string;
  maxAge?: string;
  scope: string;
  prompt?: string;
  redirectUri?: string;
  json?: true;
  config?: string;
}

/** What one run has learned; printed as it is with `--json`. Never holds a code, a secret or a token. */
interface Report {
  client_id: string;
  request?: { endpoint: string; parameters: Fields; link: string };
  tokens?: { [name: string]: unknown };
  id_token?: JWTPayload;
  userinfo?: { readonly [claim: string]: unknown };
  error?: { error: string; error_description?: string; at: string; meaning: string; page: string };
}

/** A run: the service that is played, and where it tells what it does. */
interface Run {
  settings: Settings;
  service: PlayedService;
  report: Report;
  say(line?: string): void;
}

/** Ends a run: the provider answered with an error, which the report holds. */
class Refused extends Error {
  override name = 'Refused';
}

/** Adds `try` to the `client` commands. */
export function addTryCommand(client: Command): void {
  const command = client
    .command('try')
    .description('sign in as a client’s service would, in a terminal: each parameter, claim and error is explained')
    .argument('<client>', 'client_id of a client of the configuration')
    .option('--acr <values>', 'levels to ask for: acr values, or names of levels.yaml')
    .option('--max-age <seconds>', 'how old a proof may be')
    .option('--scope <scopes>', 'scopes', 'openid')
    .option('--prompt <prompt>', 'none, login, consent or enrol')
    .option('--redirect-uri <uri>', 'one of its redirect_uris; the first on this machine where it is not given');
  addProofOptions(command, 'private_key_jwt and signed requests')
    .option('--json', 'what was learned, as JSON, at the end')
    .option('--config <folder>', 'configuration folder')
    .action(run);
}

async function run(clientId: string, options: TryOptions): Promise<void> {
  const settings = await readSettings(options.config);
  const client = clientNamed(settings, clientId);
  const other = otherWay(client);
  if (other !== undefined) throw new Error(`${clientId} ${other}`);
  const stream = options.json ? process.stderr : process.stdout;
  const report: Report = { client_id: clientId };
  const say = (line = '') => void stream.write(`${line}\n`);
  const service = await PlayedService.open(settings, clientId, options);
  try {
    await walk({ settings, service, report, say }, options);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    process.exitCode = 1;
  }
  if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
}

async function walk(run: Run, options: TryOptions): Promise<void> {
  const { service, say } = run;
  say(`1. Discovery: ${service.endpoint('issuer')}/.well-known/openid-configuration`);
  say('   Issuer and client_id are enough; every address and algorithm stands there.');
  const [state, verifier] = [systemRandom.id(), systemRandom.id(32)];
  const callback = await openCallback(service.client, state, options.redirectUri);
  try {
    const parameters = parametersOf(run, options, { state, verifier, redirectUri: callback.redirectUri });
    const code = await authorize(run, parameters, callback);
    const tokens = await exchange(run, { code, verifier, redirectUri: callback.redirectUri });
    await readIdToken(run, tokens, parameters);
    await readUserinfo(run, tokens);
  } finally {
    callback.close();
  }
}

/** The authorization request (OpenID Connect Core section 3.1.2.1), as the client's file demands it. */
function parametersOf(
  { settings, service }: Run,
  options: TryOptions,
  own: { state: string; verifier: string; redirectUri: string },
): Fields {
  const acr = options.acr
    ?.split(' ')
    .map((value) => settings.levels.find(({ name }) => name === value)?.acr[0] ?? value)
    .join(' ');
  return {
    client_id: service.clientId,
    response_type: 'code',
    redirect_uri: own.redirectUri,
    scope: options.scope,
    state: own.state,
    nonce: systemRandom.id(),
    code_challenge: sha256(own.verifier),
    code_challenge_method: 'S256',
    ...(acr === undefined ? {} : { acr_values: acr }),
    ...(options.maxAge === undefined ? {} : { max_age: options.maxAge }),
    ...(options.prompt === undefined ? {} : { prompt: options.prompt }),
    ...(service.client.metadata['authorization_signed_response_alg'] === undefined ? {} : { response_mode: 'jwt' }),
    ...(service.thumbprint === undefined ? {} : { dpop_jkt: service.thumbprint }),
  };
}

/** Builds the link, waits for the answer, and takes the code out of it. */
async function authorize(run: Run, parameters: Fields, callback: Callback): Promise<string> {
  const { service, say, report } = run;
  const { metadata } = service.client;
  say();
  say('2. Request');
  tell(run, parameters);
  const passedOver = unknownLevelWords(
    parameters['acr_values'],
    [service.metadata['acr_values_supported'] ?? []].flat() as string[],
  );
  if (passedOver !== undefined) say(`   note: acr_values: ${passedOver}`);
  const named = { client_id: service.clientId };
  let sent = parameters;
  if (metadata['require_signed_request_object'] === true) {
    sent = { ...named, request: await service.requestObject(parameters) };
    say(`   request\n      ${parameterWords('request', '')}`);
  }
  const endpoint = service.endpoint('authorization_endpoint');
  report.request = { endpoint, parameters, link: '' };
  if (metadata['require_pushed_authorization_requests'] === true)
    sent = { ...named, request_uri: await push(run, sent) };
  report.request.link = `${endpoint}?${new URLSearchParams(sent)}`;
  say();
  say('3. Sign in: open this link in a browser');
  say(`   ${report.request.link}`);
  say(`   ${callback.hint}`);
  const answer = await readAnswer(run, await callback.answer);
  if (answer['error'] !== undefined) refuse(run, answer, 'the authorization endpoint');
  // RFC 9207: an answer of another provider must not be taken to our token endpoint.
  if (answer['iss'] !== service.endpoint('issuer'))
    throw new Error(`the answer is not from this provider: iss is ${String(answer['iss'])}`);
  say('   The answer has a code, our state, and iss, which names the provider (RFC 9207): all three were checked.');
  return String(answer['code']);
}

/** Pushed authorization request (RFC 9126): answers its `request_uri`. */
async function push(run: Run, sent: Fields): Promise<string> {
  const { service, say } = run;
  say();
  say(
    `   The client requires pushed requests (PAR): they go to ${service.endpoint('pushed_authorization_request_endpoint')}`,
  );
  say(`   with ${proofWords(service)}.`);
  const pushed = await service.post('pushed_authorization_request_endpoint', sent);
  if (pushed.status !== 201) refuse(run, pushed.body, 'the pushed authorization request endpoint');
  const requestUri = String(pushed.body['request_uri']);
  tell(run, { request_uri: requestUri });
  return requestUri;
}

/** The parameters of the answer; of a signed one, once its signature is verified (JARM section 2.4). */
async function readAnswer({ service, say }: Run, parameters: URLSearchParams): Promise<JWTPayload> {
  const signed = parameters.get('response');
  if (signed === null) return Object.fromEntries(parameters);
  const claims = await service.verified(signed, service.client.metadata['authorization_signed_response_alg']);
  say('   The answer is a JWT; signature, iss, aud and exp were checked.');
  return claims;
}

/** Code for tokens (RFC 6749 section 4.1.3). */
async function exchange(
  run: Run,
  { code, verifier, redirectUri }: { code: string; verifier: string; redirectUri: string },
): Promise<Answer['body']> {
  const { service, say, report } = run;
  say();
  say(`4. Tokens: POST ${service.endpoint('token_endpoint')}`);
  say(
    '   grant_type=authorization_code, the code, the same redirect_uri, code_verifier (whose hash was code_challenge),',
  );
  say(`   with ${proofWords(service)}.`);
  const fields = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier };
  const { status, body } = await service.post('token_endpoint', fields);
  if (status !== 200) refuse(run, body, 'the token endpoint');
  const jwt = String(body['access_token']).split('.').length === 3;
  const tokens = {
    token_type: body['token_type'],
    expires_in: body['expires_in'],
    scope: body['scope'],
    access_token: jwt ? 'a JWT' : 'opaque',
    refresh_token: body['refresh_token'] !== undefined,
  };
  report.tokens = tokens;
  const binding = [
    ...(service.thumbprint === undefined ? [] : ['the DPoP key']),
    ...(bindsCertificate(service) ? ['the certificate'] : []),
  ];
  const bound = binding.length === 0 ? '' : `, bound to ${binding.join(' and ')}`;
  say(
    `   access_token: ${tokens.access_token}${bound}, for ${duration(Number(tokens.expires_in))}, scope ${String(tokens.scope)}`,
  );
  say(`   refresh_token: ${refreshWords(service, tokens.refresh_token, String(tokens.scope))}`);
  return body;
}

function refreshWords({ client }: PlayedService, given: boolean, scope: string): string {
  if (given) return 'yes; each use gives a new one and spends the old';
  const grants = (client.metadata['grant_types'] ?? []) as string[];
  if (!grants.includes('refresh_token')) return 'none: grant_types of the client has no refresh_token';
  if (!scope.split(' ').includes('offline_access'))
    return 'none: it takes the scope offline_access, which counts only with prompt=consent (OpenID Connect Core section 11)';
  return 'none';
}

/** Checks the ID token (OpenID Connect Core section 3.1.3.7) and says its claims. */
async function readIdToken(run: Run, tokens: Answer['body'], parameters: Fields): Promise<void> {
  const { service, settings, say, report } = run;
  say();
  if (typeof tokens['id_token'] !== 'string') return say('5. No ID token: the scope has no openid.');
  const claims = await service.verified(tokens['id_token'], service.client.metadata['id_token_signed_response_alg']);
  if (claims['nonce'] !== parameters['nonce']) throw new Error('the ID token has another nonce than the request');
  report.id_token = claims;
  say('5. ID token: signature (by the keys of jwks_uri), iss, aud, exp and nonce were checked');
  tellClaims(run, claims);
  const compared = comparison(parameters['acr_values'], claims, settings.levels);
  if (compared !== undefined) say(`   ${compared}`);
}

async function readUserinfo(run: Run, tokens: Answer['body']): Promise<void> {
  const { service, say, report } = run;
  say();
  if (typeof tokens['id_token'] !== 'string') return;
  say(
    `6. Userinfo: GET ${service.endpoint('userinfo_endpoint')} with ${bindsCertificate(service) ? 'the access token and the certificate' : 'the access token'}`,
  );
  const { status, body, text } = await service.userinfo(String(tokens['access_token']));
  if (status !== 200) refuse(run, body, 'the userinfo endpoint');
  const alg = service.client.metadata['userinfo_signed_response_alg'];
  report.userinfo = alg === undefined ? body : await service.verified(text, alg);
  tellClaims(run, report.userinfo);
  say();
  say(
    'It works. Your service needs the issuer, the client_id and its proof; docs/relying-services/ has a page for each library.',
  );
}

const bindsCertificate = ({ client }: PlayedService) =>
  client.metadata['tls_client_certificate_bound_access_tokens'] === true;

function proofWords({ client, thumbprint }: PlayedService): string {
  const proof = PROOFS[String(client.metadata['token_endpoint_auth_method'])] ?? 'the client’s proof';
  return thumbprint === undefined ? proof : `${proof}, and a DPoP proof of the key`;
}

function tell({ say }: Run, parameters: Fields): void {
  for (const [name, value] of Object.entries(parameters)) {
    say(`   ${name} = ${value}`);
    say(`      ${parameterWords(name, value)}`);
  }
}

function tellClaims({ settings, service, say }: Run, claims: { readonly [claim: string]: unknown }): void {
  const context = { levels: settings.levels, now: seconds(systemClock), client: service.client };
  for (const [name, value] of Object.entries(claims)) {
    say(`   ${name} = ${typeof value === 'string' ? value : JSON.stringify(value)}`);
    say(`      ${claimWords(name, value, context)}`);
  }
}

/** Tells what was answered, and what the page of errors says of it. */
function refuse(
  { say, report, service: { client } }: Run,
  body: { readonly [name: string]: unknown },
  at: string,
): never {
  const error = String(body['error'] ?? 'server_error');
  const { text, page } = explainError(error);
  const description = body['error_description'];
  report.error = {
    error,
    ...(typeof description === 'string' ? { error_description: description } : {}),
    at,
    meaning: text,
    page,
  };
  say();
  say(`Refused by ${at}: ${error}`);
  if (typeof description === 'string') say(`   ${description}`);
  say(`   ${text}`);
  say(`   ${page}`);
  if (error === 'invalid_client' && showsCertificate(client))
    say(
      '   The certificate fits the client’s file. Does the proxy ask for one at that address, and pass it on in mtls.certificate_header?',
    );
  throw new Refused(error);
}
