// Short things that are said beside the question: a mistake, a warning, what is going on.
import type { ComponentChildren, JSX } from 'preact';
import { Icon, type IconName } from './icons.tsx';

const ICONS: Record<string, IconName> = { error: 'warn', warn: 'warn', plain: 'phone', ok: 'tick' };

/** A box with a sign, so that its mood is not told by colour alone. Errors are read out at once. */
export function Notice({
  mood,
  children,
}: {
  mood: 'error' | 'warn' | 'plain' | 'ok';
  children: ComponentChildren;
}): JSX.Element {
  return (
    <div class={`notice notice-${mood}`} role={mood === 'error' ? 'alert' : undefined}>
      <Icon name={ICONS[mood] ?? 'phone'} />
      <div>{children}</div>
    </div>
  );
}

/** Work under way, in words that are read out. */
export function Working({ text }: { text: string }): JSX.Element {
  return (
    <div class="working" role="status">
      <span class="spinner" aria-hidden="true" />
      <p>{text}</p>
    </div>
  );
}
