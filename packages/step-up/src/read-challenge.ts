// The client's half of RFC 9470: reads what an API wants, and says what to ask the provider for.

/** A challenge of an API. */
export interface StepUpChallenge {
  scheme: 'bearer' | 'dpop';
  realm?: string;
  error?: string;
  errorDescription?: string;
  scopes: string[];
  acrValues: string[];
  /** Seconds. */
  maxAge?: number;
}

/** What to add to the parameters of an authorization request. */
export interface AuthorizationParameters {
  acr_values?: string;
  max_age?: string;
  scope?: string;
}

interface Raw {
  scheme: string;
  parameters: Map<string, string>;
}

/** Long enough for every honest challenge, short enough to be read by a slow reader. */
const LONGEST = 8_192;

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const PARAMETER = new RegExp(`^(${TOKEN})[ \\t]*=[ \\t]*(?:"((?:[^"\\\\]|\\\\.)*)"|(${TOKEN}))[ \\t]*(?=,|$)`);
const SCHEME = new RegExp(`^(${TOKEN})(?:[ \\t]+|(?=,)|$)`);
const TOKEN68 = /^[\w.~+/-]+=*[ \t]*(?=,|$)/;

/** All challenges of a `WWW-Authenticate` header (RFC 9110 section 11.6.1); what cannot be read ends the list. */
function challengesIn(header: string): Raw[] {
  const found: Raw[] = [];
  let rest = header.slice(0, LONGEST).replace(/^[ \t,]+/, '');
  const take = (match: RegExpExecArray) => {
    rest = rest.slice(match[0].length);
  };
  while (rest !== '') {
    const parameter = PARAMETER.exec(rest);
    const last = found.at(-1);
    if (parameter !== null && last !== undefined) {
      const [, name = '', quoted, plain = ''] = parameter;
      const key = name.toLowerCase();
      // Twice the same: the first counts, whoever added the second.
      if (!last.parameters.has(key)) last.parameters.set(key, quoted?.replace(/\\(.)/g, '$1') ?? plain);
      take(parameter);
    } else {
      const scheme = SCHEME.exec(rest);
      if (scheme === null) return found;
      found.push({ scheme: (scheme[1] ?? '').toLowerCase(), parameters: new Map() });
      take(scheme);
      const token68 = PARAMETER.test(rest) ? null : TOKEN68.exec(rest);
      if (token68 !== null) take(token68);
    }
    rest = rest.replace(/^[ \t,]+/, '');
  }
  return found;
}

function read({ scheme, parameters }: Raw): StepUpChallenge {
  const list = (name: string) => (parameters.get(name) ?? '').split(' ').filter((item) => item !== '');
  const optional = <Name extends string>(name: Name, value: string | undefined) =>
    (value === undefined ? {} : { [name]: value }) as { [key in Name]?: string };
  const age = parameters.get('max_age') ?? '';
  return {
    scheme: scheme === 'dpop' ? 'dpop' : 'bearer',
    ...optional('realm', parameters.get('realm')),
    ...optional('error', parameters.get('error')),
    ...optional('errorDescription', parameters.get('error_description')),
    scopes: list('scope'),
    acrValues: list('acr_values'),
    ...(/^\d{1,9}$/.test(age) ? { maxAge: Number(age) } : {}),
  };
}

/**
 * The challenge in an API's answer.
 * @param from the answer, its headers, or the value of `WWW-Authenticate`.
 * @returns the Bearer or DPoP challenge, the one with an error first; undefined where there is none.
 */
export function parseChallenge(
  from: string | null | undefined | Headers | { headers: Headers },
): StepUpChallenge | undefined {
  const headers = typeof from === 'object' && from !== null ? ('headers' in from ? from.headers : from) : undefined;
  const header = headers === undefined ? (from as string | null | undefined) : headers.get('www-authenticate');
  const ours = challengesIn(header ?? '').filter(({ scheme }) => ['bearer', 'dpop'].includes(scheme));
  const raw = ours.find(({ parameters }) => parameters.has('error')) ?? ours[0];
  return raw && read(raw);
}

/**
 * What to ask the provider for after a challenge (RFC 9470 section 4).
 * @param scopes those of the token that was refused: a new one must not lose them.
 * @returns undefined where another sign-in would not help; `{}` for a plain new token.
 */
export function authorizationParameters(
  challenge: StepUpChallenge,
  scopes: readonly string[] = [],
): AuthorizationParameters | undefined {
  switch (challenge.error) {
    case 'insufficient_user_authentication':
      return {
        ...(challenge.acrValues.length === 0 ? {} : { acr_values: challenge.acrValues.join(' ') }),
        ...(challenge.maxAge === undefined ? {} : { max_age: `${challenge.maxAge}` }),
      };
    case 'insufficient_scope':
      return { scope: [...new Set([...scopes, ...challenge.scopes])].join(' ') };
    case 'invalid_token':
    case undefined:
      return {};
    default:
      return undefined;
  }
}
