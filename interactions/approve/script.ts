// The waiting page comes alive: frames of the QR code, the phone's progress in words, the time that is left.

import { drawInto } from './draw.ts';
import { listen } from './listen.ts';
import { startCountdown } from './ticking.ts';

const root = document.querySelector<HTMLElement>('[data-approve]');
const finish = document.querySelector<HTMLFormElement>('#finish');
// Already approved when the page came: go on at once.
if (finish?.hasAttribute('data-go')) finish.requestSubmit();
if (root) wait(root);

function wait(page: HTMLElement): void {
  const base = page.dataset['approve'] ?? '';
  const words = document.querySelector<HTMLElement>('#waiting [data-words]');
  const paper = document.querySelector<HTMLElement>('#qr');
  let last = '';
  const say = (name: string) => {
    const text = page.dataset[name];
    // The live region is only written when it says something new.
    if (words && text !== undefined && text !== last) words.textContent = last = text;
  };
  const reload = () => {
    stop();
    location.reload();
  };
  const countdown = startCountdown(
    document.querySelector<HTMLElement>('#countdown'),
    page.dataset['timePattern'] ?? '{time}',
    {
      soonOver: () => say('saySoonOver'),
      over: () => setTimeout(reload, 1500),
    },
  );
  const stop = listen(
    `${base}/events`,
    `${base}/state`,
    (word) => {
      countdown.set(word.left);
      if (word.state === 'pending') {
        if (word.seen === true) say('saySeen');
        if (word.frame && paper)
          drawInto(paper, `${page.dataset['before']}${word.frame.i}.${word.frame.mac}${page.dataset['after']}`);
      } else if (word.state === 'approved') {
        stop();
        countdown.stop();
        say('sayApproved');
        finish?.requestSubmit();
      } else {
        reload();
      }
    },
    () => say('saySlow'),
  );
  document.querySelector<HTMLFormElement>('#more-time')?.addEventListener('submit', (event) => {
    event.preventDefault();
    void extend(`${base}/extend`).then((answer) => {
      if (!answer) return reload();
      countdown.set(answer.left);
      say(answer.extended ? 'sayMoreTime' : 'sayNoMoreTime');
    });
  });
  // Another form leaves the page: a state that arrives meanwhile must not take its answer's place.
  document.addEventListener('submit', (event) => {
    if (event.defaultPrevented || event.target === finish) return;
    stop();
    countdown.stop();
  });
  // A page out of the browser's memory shows an old request.
  addEventListener('pageshow', (event) => {
    if (event.persisted) location.reload();
  });
}

async function extend(address: string): Promise<{ extended: boolean; left: number } | undefined> {
  try {
    const answer = await fetch(address, { method: 'POST', headers: { accept: 'application/json' } });
    return answer.ok ? ((await answer.json()) as { extended: boolean; left: number }) : undefined;
  } catch {
    return undefined;
  }
}
