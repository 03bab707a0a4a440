// Where a PIN is typed: a real password field that a keyboard and a screen reader can use, and large keys for the thumb.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useApp } from '../app-context.ts';
import { Icon } from './icons.tsx';
import { Notice } from './notice.tsx';

interface PinPadProps {
  bounds: { min: number; max: number };
  /** What the button below says. */
  action: string;
  /** Said above the field, after a wrong try for instance. */
  mistake?: string | undefined;
  /** While true nothing can be typed: a wait after wrong tries. */
  blocked?: boolean;
  onPin: (pin: string) => void;
}

const KEYS = ['1', '2', '3', '4', '5', '6', '7', '8', '9'] as const;

/** Asks a PIN. The digits stand in the field only while it is shown, and are taken out of it before anything else happens. */
export function PinPad({ bounds, action, mistake, blocked = false, onPin }: PinPadProps): JSX.Element {
  const { words } = useApp();
  const field = useRef<HTMLInputElement>(null);
  const [length, setLength] = useState(0);
  const [tooShort, setTooShort] = useState(false);
  useEffect(() => {
    const input = field.current;
    return () => {
      if (input) input.value = '';
    };
  }, []);
  const set = (change: (typed: string) => string) => {
    const input = field.current;
    if (!input || blocked) return;
    input.value = change(input.value).replace(/\D/g, '').slice(0, bounds.max);
    setLength(input.value.length);
    setTooShort(false);
  };
  const send = (event: Event) => {
    event.preventDefault();
    const input = field.current;
    if (!input || blocked) return;
    const pin = input.value;
    if (pin.length < bounds.min) {
      setTooShort(true);
      input.focus();
      return;
    }
    input.value = '';
    setLength(0);
    onPin(pin);
  };
  const said = tooShort ? words.say('pin.too_short', { min: bounds.min }) : mistake;
  return (
    <form class="pin" onSubmit={send} noValidate>
      {said && <Notice mood="error">{said}</Notice>}
      <label class="pin-field">
        <span>{words.say('pin.label')}</span>
        <input
          ref={field}
          type="password"
          // The keys below are for the thumb; a phone's own keyboard would cover them.
          inputMode="none"
          autocomplete="off"
          maxLength={bounds.max}
          readOnly={blocked}
          aria-invalid={said ? 'true' : undefined}
          onInput={() => set((typed) => typed)}
        />
      </label>
      <p class="visually-hidden" role="status">
        {words.say('pin.typed', { count: length })}
      </p>
      <div class="keys">
        {KEYS.map((digit) => (
          <Key key={digit} digit={digit} disabled={blocked} press={() => set((typed) => typed + digit)} />
        ))}
        <button
          type="button"
          class="key key-quiet"
          disabled={blocked}
          onClick={() => set((typed) => typed.slice(0, -1))}
        >
          <Icon name="erase" />
          <span class="visually-hidden">{words.say('pin.delete')}</span>
        </button>
        <Key digit="0" disabled={blocked} press={() => set((typed) => `${typed}0`)} />
        <span />
      </div>
      <button type="submit" class="primary wide" disabled={blocked}>
        {action}
      </button>
    </form>
  );
}

function Key({ digit, disabled, press }: { digit: string; disabled: boolean; press: () => void }): JSX.Element {
  return (
    <button type="button" class="key" disabled={disabled} onClick={press}>
      {digit}
    </button>
  );
}
