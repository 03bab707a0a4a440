// Seconds until a moment, told again each second while a screen is shown.
import { useEffect, useState } from 'preact/hooks';

/** Whole seconds left until `until` (seconds by `now`); never below zero. */
export function useSecondsLeft(until: number | undefined, now: () => number): number {
  const left = () => (until === undefined ? 0 : Math.max(0, until - now()));
  const [seconds, setSeconds] = useState(left);
  // The clock is the same one for the life of the app.
  useEffect(() => {
    setSeconds(left());
    if (until === undefined) return;
    const timer = setInterval(() => setSeconds(left()), 1000);
    return () => clearInterval(timer);
  }, [until]);
  return seconds;
}
