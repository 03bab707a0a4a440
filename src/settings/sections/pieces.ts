// The small parts that sections are made of: durations, names, secrets; each says its rule in plain words.
import { z } from 'zod';

const UNITS: { readonly [unit: string]: number } = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^(\d{1,9})(ms|s|m|h|d)$/;
const FORM = 'must be a duration such as "30s", "5m", "12h" or "90d"';

/** A duration as text in milliseconds; undefined where it is none. */
export function milliseconds(text: string): number | undefined {
  const [, amount, unit] = DURATION.exec(text) ?? [];
  const factor = UNITS[unit ?? ''];
  return amount === undefined || factor === undefined ? undefined : Number(amount) * factor;
}

function within(least: string, most: string) {
  const [low, high] = [milliseconds(least) ?? 0, milliseconds(most) ?? 0];
  return z
    .string({ error: FORM })
    .regex(DURATION, { error: FORM, abort: true })
    .refine(
      (text) => (milliseconds(text) ?? -1) >= low && (milliseconds(text) ?? -1) <= high,
      `must be from ${least} to ${most}`,
    )
    .meta({ 'x-range': `${least} to ${most}` });
}

/** A duration within bounds; resolves to whole seconds. */
export function duration(least: string, most: string) {
  return within(least, most).transform((text) => Math.round((milliseconds(text) ?? 0) / 1000));
}

/** A short duration within bounds; resolves to milliseconds. */
export function shortDuration(least: string, most: string) {
  return within(least, most).transform((text) => milliseconds(text) ?? 0);
}

/** Text that is not empty. */
export const text = () => z.string().min(1);

/** A whole number within bounds. */
export const whole = (least: number, most: number) => z.int().min(least).max(most);

/** The two keys of a secret: `name` (the value or `${env:NAME}`) and `name_file` (a file that holds it). */
export function secretKeys<const Name extends string>(name: Name, sentence: string) {
  return {
    [name]: text().optional().describe(`${sentence} Written here, or as \${env:NAME} to take it from the environment.`),
    [`${name}_file`]: text()
      .optional()
      .describe(`A file that holds ${name} (relative to the configuration folder), instead of ${name}.`),
  } as { [Key in Name | `${Name}_file`]: z.ZodOptional<z.ZodString> };
}

/** An object without the members that are undefined, for types with optional members. */
export type Present<T> = {
  [Key in keyof T as undefined extends T[Key] ? never : Key]: T[Key];
} & { [Key in keyof T as undefined extends T[Key] ? Key : never]?: Exclude<T[Key], undefined> };

/** Drops the members that are undefined. */
export function present<T extends object>(object: T): Present<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Present<T>;
}
