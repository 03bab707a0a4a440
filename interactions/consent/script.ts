// In the browser, on the consent page: the answer is sent once.
import { sendAllOnce } from '../assets/reveal.ts';

sendAllOnce();
