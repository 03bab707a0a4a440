// In the browser, on the sign-in page: show the password, send once, count down the wait.
import { bindReveal, sendAllOnce } from '../assets/reveal.ts';

/** Keeps the button quiet until the wait is over; the server decides all the same. */
function countWait(button: HTMLButtonElement): void {
  const until = Date.now() + Number(button.dataset.wait) * 1000;
  const words = button.textContent ?? '';
  button.disabled = true;
  const tick = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    button.disabled = left > 0;
    button.textContent = left > 0 ? `${words} (${left})` : words;
    if (left > 0) setTimeout(tick, 250);
  };
  tick();
}

bindReveal();
sendAllOnce();
for (const button of document.querySelectorAll<HTMLButtonElement>('[data-wait]')) countWait(button);
