// Small drawings; decoration only, so hidden from screen readers.
import type { JSX } from 'preact';

const PATHS = {
  back: 'M15 5l-7 7 7 7',
  close: 'M6 6l12 12M18 6L6 18',
  gear: 'M4 7h9m5 0h2M4 17h2m5 0h9M13 4.500v5M11 14.500v5',
  help: 'M12 17.800v.1M9.200 9a2.900 2.900 0 1 1 4.300 2.500c-1 .6-1.500 1.200-1.500 2.400M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z',
  scan: 'M4 8.500V6a2 2 0 0 1 2-2h2.500M15.500 4H18a2 2 0 0 1 2 2v2.500M20 15.500V18a2 2 0 0 1-2 2h-2.500M8.500 20H6a2 2 0 0 1-2-2v-2.500M7.500 12h9',
  phone: 'M8 3h8a2 2 0 0 1 2 2v14a2 2 0 0 1-2 2H8a2 2 0 0 1-2-2V5a2 2 0 0 1 2-2zM11 18h2',
  tick: 'M5 12.500l4.500 4.500L19 7.500',
  no: 'M6.500 6.500l11 11M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z',
  warn: 'M12 9.500v4M12 16.800v.1M10.300 4.500L2.900 17.300A2 2 0 0 0 4.600 20.300h14.800a2 2 0 0 0 1.700-3L13.700 4.500a2 2 0 0 0-3.400 0z',
  lock: 'M7 11V8a5 5 0 0 1 10 0v3M6 11h12a1.500 1.500 0 0 1 1.500 1.500v7A1.500 1.500 0 0 1 18 21H6a1.500 1.500 0 0 1-1.500-1.500v-7A1.500 1.500 0 0 1 6 11z',
  eye: 'M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z',
  cloud: 'M3 4l18 17M8 8.200A5.500 5.500 0 0 0 6.500 19H16M18.500 17.600a4 4 0 0 0-1.800-7.200 6 6 0 0 0-5-4.300',
  finger:
    'M4.500 12.500V11a7.500 7.500 0 0 1 15 0v1.500a20 20 0 0 1-.8 4.500M8 18.500A14 14 0 0 0 8.300 14v-3a3.700 3.700 0 0 1 7.400 0v2.500a18 18 0 0 1-1.700 7M12 11v3a16 16 0 0 1-1.300 6.300M4.600 15.500a10 10 0 0 1-.5 1.700',
  key: 'M14.500 9.500a4.500 4.500 0 1 1-3-3L20 3v4l-2 .5-.5 2-2 .5z',
  keyboard:
    'M4 6h16a1.500 1.500 0 0 1 1.500 1.500v9A1.500 1.500 0 0 1 20 18H4a1.500 1.500 0 0 1-1.500-1.500v-9A1.500 1.500 0 0 1 4 6zM6.500 10h.1M10 10h.1M13.500 10h.1M17 10h.1M8 14h8',
  globe: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM3 12h18M12 3c5 5 5 13 0 18M12 3c-5 5-5 13 0 18',
  erase: 'M9 5h10a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H9l-6-7zM11.500 9.500l5 5M16.500 9.500l-5 5',
  next: 'M9 5l7 7-7 7',
  clock: 'M12 7v5l3.500 2M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z',
} as const;

/** The name of a drawing. */
export type IconName = keyof typeof PATHS;

/** A drawing in the colour of the text around it. */
export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The app's mark: a tick, and the tick that signs it. */
export function Mark(): JSX.Element {
  return (
    <svg class="mark" viewBox="70 140 380 270" aria-hidden="true" focusable="false">
      <path class="mark-first" d="M104 232l56 57M224 239L320 154" />
      <path class="mark-second" d="M194 296l78 80 138-158" />
    </svg>
  );
}
