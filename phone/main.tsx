// The start of the app. Its first act is to take what the address brought out of it.
import { render } from 'preact';
import '../interactions/assets/tokens.css';
import './styles/app.css';
import { deviceApi } from './api/client.ts';
import { serverClock } from './api/server-clock.ts';
import type { Services } from './api/services.ts';
import { App, readAccounts } from './app.tsx';
import { takeArrival } from './arrival.ts';
import { warmQrReader } from './camera/qr-reader.ts';
import { listenForInstall } from './install.ts';
import { openStore } from './keys/store.ts';
import { registerWorker } from './update.ts';
import { loadWords, preferredLanguage, type Words } from './words.ts';

const arrival = takeArrival();
const place = document.getElementById('app');

function able(): boolean {
  return Boolean(
    globalThis.crypto?.subtle && globalThis.indexedDB && navigator.locks && 'isWellFormed' in String.prototype,
  );
}

/** Where the app itself cannot run there is only a sentence. */
function refuse(words: Words, why: 'insecure' | 'unsupported'): void {
  if (!place) return;
  document.documentElement.lang = words.language;
  render(
    <main class="frame content">
      <h1>{words.say(`problem.${why}.title`)}</h1>
      <p class="lead">{words.say(`problem.${why}.text`)}</p>
    </main>,
    place,
  );
}

/** Keeps what the provider says about itself fresh, for the time without a network. */
async function freshenMetadata({ api, store }: Services): Promise<void> {
  const metadata = await api.metadata();
  if (!metadata.ok) return;
  for (const { device } of await store.accounts()) {
    await store.change(device, (account) => ({ ...account, metadata: metadata.value }));
  }
}

async function start(): Promise<void> {
  if (!place) return;
  const words = await loadWords(preferredLanguage());
  if (!window.isSecureContext) return refuse(words, 'insecure');
  const store = able() ? await openStore().catch(() => undefined) : undefined;
  if (!store) return refuse(words, 'unsupported');
  const origin = window.location.origin;
  const services: Services = { origin, store, api: deviceApi(origin, store, serverClock()) };
  const [accounts, evicted] = [await readAccounts(services), await store.evicted()];
  render(<App services={services} accounts={accounts} arrival={arrival} evicted={evicted} words={words} />, place);
  await registerWorker().catch(() => undefined);
  if (accounts.length === 0) return;
  await freshenMetadata(services);
  await warmQrReader();
}

listenForInstall();
void start();
