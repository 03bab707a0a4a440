// The conditions and effects of a Change on a record in this process; the Redis implementation says the same in Lua.
import type { Change } from '../state.ts';

const number = (fields: ReadonlyMap<string, string>, field: string): number => Number(fields.get(field) ?? '0');

/** Whether every condition holds. @param now milliseconds. */
export function holds(fields: ReadonlyMap<string, string>, change: Change, now: number): boolean {
  const { when = {}, absent = [], absentOr = {}, alive, below = {} } = change;
  return (
    Object.entries(when).every(([field, values]) => values.includes(fields.get(field) ?? '')) &&
    absent.every((field) => !fields.has(field)) &&
    Object.entries(absentOr).every(([field, value]) => (fields.get(field) ?? value) === value) &&
    (!alive || number(fields, alive.field) + (alive.graceMs ?? 0) > now) &&
    Object.entries(below).every(([field, bound]) => number(fields, field) < bound)
  );
}

/** Applies the effects in place. @param now milliseconds. */
export function applied(fields: Map<string, string>, change: Change, now: number): void {
  const { sets = {}, removes = [], adds = {}, stamps = {}, raise } = change;
  for (const [field, value] of Object.entries(sets)) fields.set(field, value);
  for (const field of removes) fields.delete(field);
  for (const [field, by] of Object.entries(adds)) fields.set(field, String(number(fields, field) + by));
  for (const [field, ms] of Object.entries(stamps)) fields.set(field, String(now + ms));
  if (raise) {
    const raised = Math.min(number(fields, raise.field) + raise.by, number(fields, raise.from) + raise.whole);
    fields.set(raise.field, String(Math.max(raised, number(fields, raise.field))));
  }
}
