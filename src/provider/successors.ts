// A refresh token's successor has its name before it is made: who presents the old one once more gets the same (docs/decisions/0006).
import Provider, { type Adapter } from 'oidc-provider';

const successors = new WeakMap<object, Map<string, string>>();

/** The same adapter, which remembers for the running request what follows the tokens that it finds. */
export function rememberingSuccessors(model: string, adapter: Adapter): Adapter {
  if (model !== 'RefreshToken') return adapter;
  return new Proxy(adapter, {
    get: (target, name, receiver) => (name === 'find' ? findIn(target) : Reflect.get(target, name, receiver)),
  });
}

function findIn(adapter: Adapter): Adapter['find'] {
  return async (id) => {
    const found = await adapter.find(id);
    const ctx = Provider.ctx;
    const successor = (found as { successor?: string } | undefined)?.successor;
    if (ctx && successor !== undefined) successors.set(ctx, new Map(successors.get(ctx)).set(id, successor));
    return found;
  };
}

/** The name of the token that takes the place of the one that the running request has rotated; undefined where there is none. */
export function successorHere(): string | undefined {
  const ctx = Provider.ctx;
  const rotated = (ctx?.oidc.entities as { RotatedRefreshToken?: { jti: string } } | undefined)?.RotatedRefreshToken;
  return ctx && rotated ? successors.get(ctx)?.get(rotated.jti) : undefined;
}
