// The way between screens: a stack that goes along with the browser's history, so that the phone's own *Back* works.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { Screen } from './screens/screen.ts';

/** A screen on the stack; `key` is new for each visit, so that nothing of an earlier visit is left. */
export interface Visit {
  key: number;
  screen: Screen;
}

/** The ways between screens. Nothing about them stands in the address or in the history's state, only their depth. */
export interface Screens {
  visit: Visit;
  go(screen: Screen): void;
  become(screen: Screen): void;
  back(): void;
  /** Throws the stack away. */
  reset(screen: Screen): void;
}

/** Screens from a first one on. */
export function useScreens(first: Screen): Screens {
  const counter = useRef(0);
  const visitOf = useCallback((screen: Screen): Visit => ({ key: ++counter.current, screen }), []);
  const [stack, setStack] = useState<Visit[]>(() => [visitOf(first)]);
  const depth = useRef(0);
  const waiting = useRef<Screen | undefined>(undefined);
  useEffect(() => {
    history.replaceState({ depth: 0 }, '');
    const popped = (event: PopStateEvent) => {
      depth.current = Number(event.state?.depth ?? 0);
      const next = waiting.current;
      waiting.current = undefined;
      if (next) return setStack([visitOf(next)]);
      setStack((now) => (depth.current < now.length - 1 ? now.slice(0, depth.current + 1) : now));
    };
    window.addEventListener('popstate', popped);
    return () => window.removeEventListener('popstate', popped);
  }, []);
  const go = useCallback((screen: Screen) => {
    depth.current += 1;
    history.pushState({ depth: depth.current }, '');
    setStack((now) => [...now, visitOf(screen)]);
  }, []);
  const become = useCallback((screen: Screen) => setStack((now) => [...now.slice(0, -1), visitOf(screen)]), []);
  const reset = useCallback((screen: Screen) => {
    if (depth.current === 0) return setStack([visitOf(screen)]);
    // The browser unwinds its history a moment later. The screen waits for that: whoever sees it and opens a link at once would
    // otherwise be overtaken by the step back, and the link lost.
    const unwinding = waiting.current !== undefined;
    waiting.current = screen;
    // One step back is enough for two that ask at once: a second would leave the app.
    if (!unwinding) history.go(-depth.current);
  }, []);
  const back = useCallback(() => {
    if (depth.current > 0) history.back();
    else reset({ name: 'home' });
  }, []);
  return { visit: stack.at(-1) ?? visitOf(first), go, become, back, reset };
}
