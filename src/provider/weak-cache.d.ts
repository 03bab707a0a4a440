// The part of oidc-provider that holds a provider's state, as far as internals.ts reads it.
declare module 'oidc-provider/lib/helpers/weak_cache.js' {
  import type Provider from 'oidc-provider';

  export default function stateOf(provider: Provider): {
    configuration: {
      claims: { [name: string]: { [claim: string]: null } | null };
      claimsSupported: Set<string>;
    };
  };
}
