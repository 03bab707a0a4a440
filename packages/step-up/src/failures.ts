// The ways in which a check ends early, as errors that never leave the package.

/** The token is not good. */
export class InvalidToken extends Error {
  override name = 'InvalidToken';
}

/** The DPoP proof is not good. */
export class InvalidProof extends Error {
  override name = 'InvalidProof';
}

/** Something that the check needs does not answer. */
export class Unavailable extends Error {
  override name = 'Unavailable';
}
