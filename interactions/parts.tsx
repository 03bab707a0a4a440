// The parts that pages are made of. Each is plain HTML that works without a script; `data-` attributes are where scripts hold on.
import type { ComponentChildren } from 'preact';
import type { AskingService } from '../src/provider/pages.ts';
import { useWords } from './layout.tsx';

/** The one card of a page. `title` is its only h1. */
export function Card({
  title,
  lead,
  children,
}: {
  title: ComponentChildren;
  lead?: ComponentChildren;
  children?: ComponentChildren;
}) {
  return (
    <section class="card">
      <h1>{title}</h1>
      {lead !== undefined && <p class="lead">{lead}</p>}
      {children}
    </section>
  );
}

/** A titled part inside of a wide card, or a card of its own below the first. */
export function Section({
  title,
  children,
  id,
}: {
  title: ComponentChildren;
  children?: ComponentChildren;
  id?: string;
}) {
  return (
    <section class="section" {...(id !== undefined && { id })}>
      <h2>{title}</h2>
      {children}
    </section>
  );
}

/** The service that asks, with its logo, above the card. `why`: "X asks you to sign in", or another sentence of the page. */
export function ServiceHeader({
  service,
  why,
}: {
  service: Pick<AskingService, 'name' | 'logoUri'>;
  why?: ComponentChildren;
}) {
  const words = useWords();
  return (
    <div class="service">
      <span class="service-letter" aria-hidden="true">
        {[...service.name.trim()][0] ?? '·'}
      </span>
      <p>{why ?? words.rich('parts.asked_by', { service: service.name })}</p>
    </div>
  );
}

/** Properties of {@link Field}. */
export interface FieldProps {
  name: string;
  label: ComponentChildren;
  /** Stands under the label, before the field. */
  hint?: ComponentChildren;
  /** Stands under the field, in words that say what to do. */
  error?: ComponentChildren;
  type?: 'text' | 'password' | 'email' | 'tel';
  value?: string;
  autocomplete?: string;
  inputmode?: 'text' | 'numeric' | 'email';
  maxlength?: number;
  minlength?: number;
  pattern?: string;
  required?: boolean;
  autofocus?: boolean;
  spellcheck?: boolean;
  /** Large, spaced digits or letters: codes. */
  code?: boolean;
  /** Stands beside the field: a button. */
  beside?: ComponentChildren;
}

/** A label, a field, a hint and an error that belong together. */
export function Field({
  name,
  label,
  hint,
  error,
  beside,
  code,
  type = 'text',
  required = true,
  spellcheck = false,
  ...input
}: FieldProps) {
  const words = useWords();
  const described = [hint !== undefined && `${name}-hint`, error !== undefined && `${name}-error`]
    .filter(Boolean)
    .join(' ');
  return (
    <div class={error === undefined ? 'field' : 'field wrong'}>
      <label for={name} id={`${name}-label`}>
        {label}
      </label>
      {hint !== undefined && (
        <p class="hint" id={`${name}-hint`}>
          {hint}
        </p>
      )}
      <div class="control">
        <input
          {...input}
          // Preact's types tell inputs apart by their type; the attributes below are allowed on each of ours.
          type={type as 'text'}
          {...(code === true && { class: 'code' })}
          id={name}
          name={name}
          required={required}
          spellcheck={spellcheck}
          autocapitalize="none"
          {...(described !== '' && { 'aria-describedby': described })}
          // After a refusal the person goes on where the mistake is, and a screen reader reads it out with the field.
          {...(error !== undefined && { 'aria-invalid': 'true', autofocus: true })}
        />
        {beside}
      </div>
      {error !== undefined && (
        <p class="error" id={`${name}-error`}>
          <span class="unseen">{words('parts.error_prefix')} </span>
          {error}
        </p>
      )}
    </div>
  );
}

/** A button that shows what was typed; it appears only where a script can serve it. */
function Reveal({ field }: { field: string }) {
  const words = useWords();
  return (
    <button
      type="button"
      class="reveal"
      aria-controls={field}
      aria-describedby={`${field}-label`}
      data-reveal={field}
      data-show={words('parts.show')}
      data-hide={words('parts.hide')}
      hidden
    >
      {words('parts.show')}
    </button>
  );
}

/** A password field with *Show*. */
export function PasswordField(props: Omit<FieldProps, 'type' | 'beside' | 'inputmode'>) {
  return <Field {...props} type="password" beside={<Reveal field={props.name} />} />;
}

/** A PIN: digits only, never offered to a password manager. */
export function PinField({
  max,
  ...props
}: Omit<FieldProps, 'type' | 'beside' | 'inputmode' | 'maxlength' | 'pattern' | 'code'> & { max: number }) {
  return (
    <Field
      {...props}
      type="password"
      inputmode="numeric"
      autocomplete={props.autocomplete ?? 'off'}
      maxlength={max}
      pattern="[0-9]*"
      code
      beside={<Reveal field={props.name} />}
    />
  );
}

/** Properties of {@link Button}. */
export interface ButtonProps {
  children: ComponentChildren;
  /** One `main` a page. `quiet` looks like a link; `danger` removes something. */
  kind?: 'main' | 'second' | 'quiet' | 'danger';
  name?: string;
  value?: string;
  type?: 'submit' | 'button';
  /** Sends the form without checking its fields: cancel, other ways. */
  novalidate?: boolean;
  /** The form that it belongs to, where it stands outside. */
  form?: string;
  id?: string;
  hidden?: boolean;
  /** `data-` attributes for scripts. */
  data?: { readonly [name: `data-${string}`]: string };
}

/** A button. */
export function Button({ children, kind = 'main', type = 'submit', novalidate, data, ...rest }: ButtonProps) {
  return (
    <button
      {...rest}
      {...data}
      type={type}
      class={`button ${kind}`}
      {...(novalidate === true && { formnovalidate: true })}
    >
      {children}
    </button>
  );
}

/** A link that looks like a button. */
export function ButtonLink({
  children,
  href,
  kind = 'second',
}: {
  children: ComponentChildren;
  href: string;
  kind?: 'main' | 'second' | 'quiet';
}) {
  return (
    <a href={href} class={`button ${kind}`}>
      {children}
    </a>
  );
}

/** Buttons of one question, the main one first. */
export function Actions({ children }: { children: ComponentChildren }) {
  return <div class="actions">{children}</div>;
}

/** What happened and what to do next. Errors are announced at once, the rest when the reader pauses. */
export function Notice({
  kind,
  title,
  children,
  id,
}: {
  kind: 'error' | 'warn' | 'ok' | 'info';
  title?: ComponentChildren;
  children?: ComponentChildren;
  id?: string;
}) {
  return (
    <div class={`notice ${kind}`} role={kind === 'error' ? 'alert' : 'status'} {...(id !== undefined && { id })}>
      {title !== undefined && <p class="notice-title">{title}</p>}
      {children !== undefined && <div class="notice-text">{children}</div>}
    </div>
  );
}

/** Waiting, in words; a script changes the words and they are announced. */
export function Waiting({ children, id = 'waiting' }: { children: ComponentChildren; id?: string }) {
  return (
    <p class="waiting" id={id} role="status">
      <span class="waiting-dots" aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      <span data-words>{children}</span>
    </p>
  );
}

/**
 * The time that is left; a script counts (`data-seconds`), and says so only at the end (`data-announce`).
 * @param seconds left now. @param whole the full time, for the bar.
 */
export function Countdown({ seconds, whole, id = 'countdown' }: { seconds: number; whole: number; id?: string }) {
  const words = useWords();
  return (
    <div class="countdown" id={id} data-countdown data-seconds={seconds} data-whole={whole}>
      <progress max={whole} value={seconds} aria-hidden="true" />
      <p data-words role="timer">
        {words('parts.time_left', { minutes: Math.floor(seconds / 60), seconds: seconds % 60 })}
      </p>
    </div>
  );
}

/** A number to read from one screen and type on the other: two groups of three, in digits of one width, and selectable as one. */
export function BigNumber({ digits, label, id = 'number' }: { digits: string; label: string; id?: string }) {
  const half = Math.ceil(digits.length / 2);
  return (
    <p class="number" id={id}>
      <span class="unseen">{label} </span>
      <span class="digits">
        <span>{digits.slice(0, half)}</span>
        <span>{digits.slice(half)}</span>
      </span>
    </p>
  );
}

/**
 * A QR code on white with its quiet zone, whatever the scheme.
 * @param svg mark-up that we drew ourselves, never a person's. @param caption says what to do with it; the typed way stands beside it.
 */
export function QrFigure({
  svg,
  alt,
  caption,
  id = 'qr',
}: {
  svg: string;
  alt: string;
  caption?: ComponentChildren;
  id?: string;
}) {
  return (
    <figure class="qr">
      <div class="qr-paper" id={id} role="img" aria-label={alt} dangerouslySetInnerHTML={{ __html: svg }} />
      {caption !== undefined && <figcaption>{caption}</figcaption>}
    </figure>
  );
}

/** One way among others: a link, or a button of a form where it changes something. */
export interface Way {
  label: ComponentChildren;
  hint?: ComponentChildren;
  href?: string;
  /** Address that the button posts to, with these fields. */
  action?: string;
  fields?: { readonly [name: string]: string };
}

function WayItem({ way }: { way: Way }) {
  const inside = (
    <>
      <span class="way-label">{way.label}</span>
      {way.hint !== undefined && <span class="way-hint">{way.hint}</span>}
    </>
  );
  if (way.href !== undefined) {
    return (
      <a class="way" href={way.href}>
        {inside}
      </a>
    );
  }
  return (
    <form method="post" action={way.action}>
      {Object.entries(way.fields ?? {}).map(([name, value]) => (
        <input key={name} type="hidden" name={name} value={value} />
      ))}
      <button type="submit" class="way">
        {inside}
      </button>
    </form>
  );
}

/** Choices of equal weight, one under the other. */
export function Choices({ ways, label }: { ways: readonly Way[]; label: string }) {
  return (
    <nav aria-label={label}>
      <ul class="ways">
        {ways.map((way, index) => (
          <li key={index}>
            <WayItem way={way} />
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** The other ways, below the card. */
export function OtherWays({ ways }: { ways: readonly Way[] }) {
  const words = useWords();
  if (ways.length === 0) return null;
  return (
    <section class="other">
      <h2>{words('parts.other_ways')}</h2>
      <Choices ways={ways} label={words('parts.other_ways')} />
    </section>
  );
}

/** The way out: answers the service that nothing came of it. @param action address that takes the POST. */
export function WayOut({ action, service }: { action: string; service: Pick<AskingService, 'name'> }) {
  const words = useWords();
  return (
    <form class="way-out" method="post" action={action}>
      <Button kind="quiet">{words('parts.cancel_to', { service: service.name })}</Button>
    </form>
  );
}

/** Names and what stands for them. */
export function Facts({ of }: { of: readonly { name: ComponentChildren; value: ComponentChildren }[] }) {
  return (
    <dl class="facts">
      {of.map((fact, index) => (
        <div key={index}>
          <dt>{fact.name}</dt>
          <dd>{fact.value}</dd>
        </div>
      ))}
    </dl>
  );
}
