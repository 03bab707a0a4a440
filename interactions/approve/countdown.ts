// Shows how long a request still lives, says so aloud before it ends, and asks for more time.

/** The server's figure wins over this page's clock at each word it says. */
export interface Countdown {
  /** @param seconds that are left by the server's clock. */
  set(seconds: number): void;
  stop(): void;
}

/** "2:05" */
export function clockText(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/**
 * Counts down in `element`.
 * @param warn called once when 30 s are left (WCAG 2.2.1: the person is told before time runs out, and can have more).
 * @param over called once at the end.
 */
export function countdown(element: HTMLElement, seconds: number, warn: () => void, over: () => void): Countdown {
  let end = performance.now() + seconds * 1000;
  let warned = false;
  const tick = () => {
    const left = (end - performance.now()) / 1000;
    element.textContent = clockText(left);
    if (left <= 30 && !warned) {
      warned = true;
      warn();
    }
    if (left <= 0) {
      clearInterval(timer);
      over();
    }
  };
  const timer = setInterval(tick, 1000);
  tick();
  return {
    set(left) {
      end = performance.now() + left * 1000;
      if (left > 30) warned = false;
    },
    stop: () => clearInterval(timer),
  };
}
