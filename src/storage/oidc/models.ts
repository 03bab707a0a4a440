// Which of oidc-provider's models lives where.

/** Where a model is kept, and what must be known about it. */
export interface ModelPlace {
  /** `database` lasts; `state` may be lost; `catalog` is this process. */
  where: 'database' | 'state' | 'catalog';
  /** Used once: `consume` is one atomic move. */
  consumable?: boolean;
  /** Revoked with its grant. */
  grantable?: boolean;
  /** Its successor is the same whenever it is made, and within the grace it may be presented once more (docs/decisions/0006). */
  repeatable?: boolean;
  /** Its id is a secret that opens something: the database keeps only its hash. */
  bearer?: boolean;
  /** A challenge: refused after the state went back in time. Sessions and tokens are not, or each fail-over would sign everybody out. */
  epochal?: boolean;
  /** Seconds that it stays after its end, so that who polls too late hears `expired_token` (RFC 8628 section 3.5). */
  lingers?: number;
  /** A second use is refused and takes nothing from the first: the client has proven itself, and its polls may overlap. */
  polled?: boolean;
}

const KEPT: ModelPlace = { where: 'state' };

/** The table. Every model of oidc-provider 9.13 stands here, enabled or not. */
export const MODELS: { readonly [model: string]: ModelPlace } = {
  Grant: { where: 'database' },
  RefreshToken: { where: 'database', consumable: true, grantable: true, bearer: true, repeatable: true },
  Client: { where: 'catalog' },
  Session: KEPT,
  AccessToken: { ...KEPT, grantable: true, bearer: true },
  ClientCredentials: { ...KEPT, bearer: true },
  Interaction: { ...KEPT, epochal: true },
  AuthorizationCode: { ...KEPT, consumable: true, grantable: true, bearer: true, epochal: true },
  DeviceCode: { ...KEPT, consumable: true, grantable: true, bearer: true, epochal: true, lingers: 300 },
  BackchannelAuthenticationRequest: {
    ...KEPT,
    consumable: true,
    grantable: true,
    bearer: true,
    epochal: true,
    lingers: 300,
    polled: true,
  },
  PreAuthorizedCode: { ...KEPT, consumable: true, grantable: true, bearer: true, epochal: true },
  PushedAuthorizationRequest: { ...KEPT, consumable: true, bearer: true, epochal: true },
  ReplayDetection: KEPT,
  InitialAccessToken: { ...KEPT, bearer: true },
  RegistrationAccessToken: { ...KEPT, bearer: true },
};
