// In the browser, on the account page: show a password, send once.
import { bindReveal, sendAllOnce } from '../assets/reveal.ts';

bindReveal();
sendAllOnce();
