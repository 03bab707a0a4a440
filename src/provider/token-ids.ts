// Tokens that tell their kind by their length, so that an introspection looks in one place instead of in three.
import type { Adapter } from 'oidc-provider';

/**
 * Random bits of each kind that one endpoint is asked about without being told which (RFC 7662 section 2.1, RFC 7009 section 2.1).
 * A character holds six bits: 43, 44 and 45 characters. The length is no secret and takes nothing from the 256 bits.
 */
const BITS: { readonly [kind: string]: number } = { AccessToken: 256, RefreshToken: 264, ClientCredentials: 270 };

/** Random bits of a token of this kind (`formats.bitsOfOpaqueRandomness` of oidc-provider). */
export function bitsOf(kind: string | undefined): number {
  return BITS[kind ?? ''] ?? 256;
}

/** The same adapter, which does not go to its store for what cannot be of its kind. */
export function onlyOwnIds(model: string, adapter: Adapter): Adapter {
  const bits = BITS[model];
  if (bits === undefined) return adapter;
  const length = Math.ceil(bits / 6);
  return new Proxy(adapter, {
    get: (target, name, receiver) =>
      name === 'find'
        ? async (id: string) => (id.length === length ? target.find(id) : undefined)
        : Reflect.get(target, name, receiver),
  });
}
