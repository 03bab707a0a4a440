// What the tokens say, in words that everybody understands.

const LEVELS: { [acr: string]: string } = {
  'urn:countersign:acr:basic': 'you proved one thing: your password',
  'urn:countersign:acr:mfa': 'you proved two things: your password and your phone',
  'urn:countersign:acr:phr': 'you used a passkey, which no false page can trick out of you',
  'urn:countersign:acr:phrh': 'you used a security key made of hardware, which no false page can trick out of you',
};

/** Values of RFC 8176, and those that came after it. */
const METHODS: { [amr: string]: string } = {
  pwd: 'a password',
  swk: 'a key kept by your phone',
  hwk: 'a key kept by hardware',
  pin: 'a PIN',
  otp: 'a code from your phone',
  mca: 'two separate ways',
  user: 'you were there and agreed',
  mfa: 'more than one kind of proof',
  face: 'your face',
  fpt: 'your fingerprint',
  bio: 'your face or finger',
  pop: 'a key that never left its place',
  phr: 'a way that no false page can trick out of you',
  phrh: 'a hardware key that no false page can trick out of you',
};

const ERRORS: { [error: string]: { title: string; text: string } } = {
  access_denied: {
    title: 'You came back without signing in',
    text: 'Either you went back yourself, or the request was refused on your phone. Nothing has changed.',
  },
  unmet_authentication_requirements: {
    title: 'This page needs a stronger sign-in than you could give',
    text: 'The sign-in service could not confirm you at the level that this page asks for. Add a phone to your account, then try again.',
  },
  login_required: { title: 'Please sign in', text: 'The sign-in service does not know you in this browser any more.' },
  consent_required: {
    title: 'We need your agreement',
    text: 'The sign-in service may tell us who you are only when you agree.',
  },
  temporarily_unavailable: { title: 'The sign-in service is busy', text: 'Please try again in a minute.' },
};

/** One row of the table that shows a person what we were told. */
export interface Row {
  claim: string;
  value: string;
  words: string;
}

/** The claims that matter here, with their meaning. @param now in milliseconds. */
export function explain(claims: { [claim: string]: unknown }, now: number): Row[] {
  const { acr, amr, auth_time, iss, sub, name } = claims;
  const methods = Array.isArray(amr) ? amr.map(String) : [];
  return [
    { claim: 'name', value: text(name ?? '(not told)'), words: 'how we greet you' },
    { claim: 'sub', value: text(sub), words: 'your account, as this service knows it; it never changes' },
    { claim: 'acr', value: text(acr), words: LEVELS[text(acr)] ?? 'a level that we do not know' },
    { claim: 'amr', value: methods.join(' '), words: methods.map((method) => METHODS[method] ?? method).join('; ') },
    {
      claim: 'auth_time',
      value: text(auth_time),
      words: typeof auth_time === 'number' ? `you proved it ${ago(now - auth_time * 1000)}` : 'not told',
    },
    { claim: 'iss', value: text(iss), words: 'who vouches for all this' },
  ];
}

/** Title and sentence for an error answer of the provider. */
export function explainError(error: string, description?: string): { title: string; text: string } {
  const said = description === undefined ? '' : ` It said: “${description}”.`;
  return (
    ERRORS[error] ?? {
      title: 'Signing in did not work',
      text: `The sign-in service answered “${error}”.${said} Please try again.`,
    }
  );
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

function ago(milliseconds: number): string {
  const minutes = Math.floor(milliseconds / 60_000);
  if (minutes < 1) return 'less than a minute ago';
  if (minutes < 120) return minutes === 1 ? '1 minute ago' : `${minutes} minutes ago`;
  return `${Math.floor(minutes / 60)} hours ago`;
}
