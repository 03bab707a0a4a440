// The title of the window: how many requests wait, and which screen is shown (WCAG 2.4.2).
let waiting = 0;
let screen = '';

function write(): void {
  document.title = [waiting > 0 ? `(${waiting})` : '', screen, screen === '' ? '' : '–', 'Countersign']
    .filter((part) => part !== '')
    .join(' ');
}

/** @param count requests that wait for an answer. */
export function titleCounts(count: number): void {
  waiting = count;
  write();
}

/** @param heading of the screen that is shown. */
export function titleNames(heading: string): void {
  screen = heading;
  write();
}
