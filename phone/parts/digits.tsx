// Digits that a person reads off the screen: large, in groups, and read out one by one.
import type { JSX } from 'preact';

/** @param groups how many digits stand together: 3 for numbers of six, 4 for codes of eight. */
export function Digits({ value, group }: { value: string; group: number }): JSX.Element {
  const parts = value.match(new RegExp(`.{1,${group}}`, 'g')) ?? [];
  return (
    <p class="digits">
      <span class="visually-hidden">{[...value].join(' ')}</span>
      <span aria-hidden="true" class="digits-shown">
        {parts.map((part, index) => (
          <span key={`${index}${part.length}`}>{part}</span>
        ))}
      </span>
    </p>
  );
}
