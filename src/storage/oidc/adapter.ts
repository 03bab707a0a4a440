// oidc-provider's adapter: sends each model to its place. Every single use is one atomic move, and a move that failed throws.
import type { Knex } from 'knex';
import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';
import { fingerprint } from '../../platform/hashes.ts';
import { rows } from '../postgres/statement.ts';
import type { State } from '../state/state.ts';
import type { ClientCatalog } from './client-catalog.ts';
import { type Artefacts, databaseArtefacts, type Repeats } from './database-artefacts.ts';
import { MODELS, type ModelPlace } from './models.ts';
import { stateArtefacts } from './state-artefacts.ts';

/** What the adapter stands on. */
export interface AdapterParts {
  knex: Knex;
  state: State;
  clients: ClientCatalog;
  /** Lets a refresh token be presented once more; where it is missing, none is. */
  repeats?: Repeats;
}

async function refuse(): Promise<never> {
  throw new TypeError('not kept like this');
}

function catalogAdapter(clients: ClientCatalog): Adapter {
  return {
    find: async (id) => clients.get(id)?.metadata as AdapterPayload | undefined,
    // Services are files: nothing writes them at run time.
    upsert: refuse,
    destroy: refuse,
    consume: refuse,
    findByUid: refuse,
    findByUserCode: refuse,
    revokeByGrantId: refuse,
  };
}

/** Revokes everything that a grant has given, and the grant: for a code or refresh token that was used twice. */
export function createFamilyRevocation({
  knex,
  state,
}: Pick<AdapterParts, 'knex' | 'state'>): (grantId: string) => Promise<void> {
  const kept = Object.entries(MODELS).filter(([, { where, grantable }]) => where === 'state' && grantable);
  const none = async () => undefined;
  return async (grantId) => {
    await Promise.all([
      rows(knex, `delete from oidc_artefacts where grant_id = ? or (model = 'Grant' and id = ?)`, [grantId, grantId]),
      ...kept.map(([model, place]) => stateArtefacts(state, model, place, none).revokeByGrantId(grantId)),
    ]);
  };
}

/**
 * What follows a use is kept in the state. Where that cannot be written the token is not used either: otherwise a client that tries
 * again while Redis is away would have used it three times, which counts as theft (docs/decisions/0006).
 */
function consumeWithState(state: State, artefacts: Artefacts, { repeatable }: ModelPlace): Artefacts['consume'] {
  if (!repeatable) return artefacts.consume;
  return async (id) => {
    await state.set(`oidc:using:${fingerprint(id)}`, '1', 10);
    return artefacts.consume(id);
  };
}

/** The adapter factory for oidc-provider's configuration. */
export function createAdapter(parts: AdapterParts): AdapterFactory {
  const { knex, state, clients } = parts;
  const revokeFamily = createFamilyRevocation(parts);
  return (model) => {
    const place: ModelPlace | undefined = MODELS[model];
    if (!place) throw new TypeError(`no place for the model ${model}`);
    if (place.where === 'catalog') return catalogAdapter(clients);
    if (place.where === 'state') return stateArtefacts(state, model, place, revokeFamily);
    const artefacts: Artefacts = databaseArtefacts(knex, model, place, revokeFamily, parts.repeats);
    return {
      ...artefacts,
      consume: consumeWithState(state, artefacts, place),
      findByUid: refuse,
      findByUserCode: refuse,
    };
  };
}
