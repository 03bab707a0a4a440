// The page that adds a phone comes alive: hears when the phone has scanned and when it is done, and counts the time that is left.
import { listen } from '../approve/listen.ts';
import { startCountdown } from '../approve/ticking.ts';
import { bindReveal, sendAllOnce } from '../assets/reveal.ts';

bindReveal();
sendAllOnce();
const root = document.querySelector<HTMLElement>('[data-enrol]');
if (root) wait(root);

function wait(page: HTMLElement): void {
  const words = page.querySelector<HTMLElement>('[data-words]');
  const say = (text: string | undefined) => {
    if (words && text !== undefined) words.textContent = text;
  };
  const reload = () => {
    stop();
    location.reload();
  };
  const countdown = startCountdown(
    document.querySelector<HTMLElement>('#countdown'),
    page.dataset['timePattern'] ?? '{time}',
    { soonOver: () => say(page.dataset['saySoonOver']), over: () => setTimeout(reload, 1500) },
  );
  const base = page.dataset['enrol'] ?? '';
  const stop = listen(
    `${base}/events`,
    `${base}/state`,
    (word) => {
      countdown.set(word.left);
      // Each state has its page with its own words and heading.
      if (word.state !== page.dataset['state']) reload();
    },
    () => say(page.dataset['saySlow']),
  );
}
