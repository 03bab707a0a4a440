// JWT access tokens (RFC 9068 section 4).
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { InvalidToken } from './failures.ts';

/** What a token is held against. */
export interface Expected {
  issuer: string;
  audience: string;
  algorithms: readonly string[];
  /** Seconds by which the issuer's clock may differ. */
  tolerance: number;
}

/** RFC 9068 section 2.2. */
const CLAIMS = ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'];

/** The claims of a good token. @throws InvalidToken */
export async function verifyJwt(
  token: string,
  keys: JWTVerifyGetKey,
  expected: Expected,
  now: number,
): Promise<JWTPayload> {
  const { issuer, audience, tolerance } = expected;
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience,
      // An ID token, a logout token or a userinfo answer is signed with the same keys: the type tells them apart.
      typ: 'at+jwt',
      algorithms: [...expected.algorithms],
      clockTolerance: tolerance,
      currentDate: new Date(now * 1000),
      requiredClaims: CLAIMS,
    });
    if ((payload.iat ?? 0) > now + tolerance) throw new InvalidToken('issued in the future');
    return payload;
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof TypeError) throw new InvalidToken('', { cause: error });
    throw error;
  }
}
