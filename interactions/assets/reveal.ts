// In the browser: "Show" buttons, and forms that are sent only once.

/** Brings the buttons to life; without a script they stay hidden. */
export function bindReveal(): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>('[data-reveal]')) {
    const input = document.getElementById(button.dataset.reveal ?? '');
    if (!(input instanceof HTMLInputElement)) continue;
    button.hidden = false;
    const set = (shown: boolean) => {
      input.type = shown ? 'text' : 'password';
      button.textContent = (shown ? button.dataset.hide : button.dataset.show) ?? '';
    };
    button.addEventListener('click', () => {
      set(input.type === 'password');
      input.focus();
    });
    // A shown password must not be kept by the browser as ordinary text.
    input.form?.addEventListener('submit', () => set(false));
  }
}

/** A second press while the first is on its way does nothing; coming back by the back button makes the form good again. */
export function sendOnce(form: HTMLFormElement): void {
  let sent = false;
  const buttons = () => form.querySelectorAll<HTMLButtonElement>('button[type=submit]');
  form.addEventListener('submit', (event) => {
    if (sent) event.preventDefault();
    sent = true;
    for (const button of buttons()) button.setAttribute('aria-disabled', 'true');
  });
  window.addEventListener('pageshow', () => {
    sent = false;
    for (const button of buttons()) button.removeAttribute('aria-disabled');
  });
}

/** Every form of the page's main part. */
export function sendAllOnce(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>('main form')) sendOnce(form);
}
