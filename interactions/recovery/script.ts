// In the browser, on the pages with a link's secret: takes it out of the address at once and puts it into its field.
import { bindReveal, sendAllOnce } from '../assets/reveal.ts';

const holder = document.querySelector<HTMLElement>('[data-token]');
const input = holder?.querySelector('input');
if (holder && input) {
  const secret = location.hash.slice(1);
  if (secret !== '') {
    // The secret must not stay in the history, nor be copied with the address.
    history.replaceState(null, '', location.pathname + location.search);
    input.value = secret;
  }
  holder.hidden = input.value !== '';
}
bindReveal();
sendAllOnce();
