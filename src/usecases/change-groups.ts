// The operator changes what groups a person is in, and what attributes are kept of them.

import { type Attributes, canonicalAttributes, canonicalGroups } from '../domain/groups.ts';
import type { World } from '../domain/ports.ts';
import type { User } from '../domain/user.ts';

type Touched = Pick<World, 'atomically'>;

/** The groups afterwards, and what that changed; `bad_group` where one cannot be, or they are too many. */
export type GroupsChanged =
  | { ok: true; groups: readonly string[]; added: string[]; removed: string[] }
  | { ok: false; why: 'bad_group' };

/** Groups to put a person into and to take them out of; `set` is where it begins, in place of what they are in now. */
export interface GroupChange {
  set?: readonly string[];
  add?: readonly string[];
  remove?: readonly string[];
}

/** Changes groups from what they are at that moment: two changes at once both hold. Tokens that were given out keep what they say. */
export async function changeGroups(world: Touched, user: User, change: GroupChange): Promise<GroupsChanged> {
  const [set, add, remove] = [change.set, change.add ?? [], change.remove ?? []].map(
    (one) => one && canonicalGroups(one),
  );
  if (!add || !remove || (change.set && !set)) return { ok: false, why: 'bad_group' };
  return world.atomically(async (records) => {
    const before = (await records.users.forUpdate(user.id))?.groups ?? [];
    const groups = canonicalGroups([...(set ?? before), ...add].filter((group) => !remove.includes(group)));
    if (!groups) return { ok: false, why: 'bad_group' } as const;
    const added = groups.filter((group) => !before.includes(group));
    const removed = before.filter((group) => !groups.includes(group));
    if (added.length + removed.length > 0) {
      await records.users.setGroups(user.id, groups);
      await records.audit.record({
        event: 'user_groups_changed',
        outcome: 'success',
        sub: user.id,
        actor: 'cli',
        detail: { added: added.join('; '), removed: removed.join('; ') },
      });
    }
    return { ok: true, groups, added, removed } as const;
  });
}

/** The attributes afterwards; `bad_attribute` where a name or a value cannot be, or they are too many. */
export type AttributesChanged = { ok: true; attributes: Attributes } | { ok: false; why: 'bad_attribute' };

/** Changes some attributes and removes others. The audit has their names only. */
export async function changeAttributes(
  world: Touched,
  user: User,
  change: { set: { readonly [name: string]: string }; remove: readonly string[] },
): Promise<AttributesChanged> {
  return world.atomically(async (records) => {
    const before = (await records.users.forUpdate(user.id))?.attributes ?? {};
    const merged = Object.entries({ ...before, ...change.set }).filter(([name]) => !change.remove.includes(name));
    const attributes = canonicalAttributes(Object.fromEntries(merged));
    if (!attributes) return { ok: false, why: 'bad_attribute' } as const;
    const names = [...new Set([...Object.keys(before), ...Object.keys(attributes)])];
    const changed = names.filter((name) => before[name] !== attributes[name]);
    if (changed.length > 0) {
      await records.users.setAttributes(user.id, attributes);
      await records.audit.record({
        event: 'user_attributes_changed',
        outcome: 'success',
        sub: user.id,
        actor: 'cli',
        detail: { names: changed.join(', ') },
      });
    }
    return { ok: true, attributes } as const;
  });
}
