// Counts the time that is left, in the countdown part of the page, and tells before it ends (WCAG 2.2.1).

/** The server's figure wins over this page's clock at each word it says. */
export interface Ticking {
  /** @param seconds left by the server's clock. */
  set(seconds: number): void;
  stop(): void;
}

/** When the person is told that time runs out, in seconds before it does. */
const SOON = 30;

/** "2:05" */
export function clockText(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** Starts counting in `element` (part `Countdown`). @param pattern words around `{time}`. */
export function startCountdown(
  element: HTMLElement | null,
  pattern: string,
  tell: { soonOver(): void; over(): void },
): Ticking {
  let end = performance.now() + Number(element?.dataset['seconds'] ?? 0) * 1000;
  let told = false;
  let ended = false;
  const words = element?.querySelector('[data-words]');
  const bar = element?.querySelector('progress');
  const tick = () => {
    const left = (end - performance.now()) / 1000;
    if (words) words.textContent = pattern.replace('{time}', clockText(left));
    if (bar) {
      bar.max = Math.max(bar.max, left);
      bar.value = Math.max(0, left);
    }
    if (left <= SOON && left > 0 && !told) {
      told = true;
      tell.soonOver();
    }
    if (left <= 0 && !ended) {
      ended = true;
      tell.over();
    }
  };
  const timer = element ? setInterval(tick, 1000) : undefined;
  if (element) tick();
  return {
    set(left) {
      end = performance.now() + left * 1000;
      if (left > SOON) told = false;
      if (left > 0) ended = false;
    },
    stop: () => clearInterval(timer),
  };
}
