// The app: accounts, requests and the screen in front, put together and handed to the screens.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { endPush, refreshPush } from './api/push.ts';
import type { Services } from './api/services.ts';
import { AppContext, type App as AppState } from './app-context.ts';
import { type Arrival, takeArrival } from './arrival.ts';
import type { Account } from './keys/store.ts';
import { keepNoticeWords, onNoticeTapped, tidyNotices } from './notices.ts';
import { buzz } from './parts/buzz.ts';
import type { Screen } from './screens/screen.ts';
import { show } from './screens/show.tsx';
import { useUpdate } from './update.ts';
import { useRequests } from './use-requests.ts';
import { useScreens } from './use-screens.ts';
import { chooseLanguage, loadWords, type Words } from './words.ts';

interface AppProps {
  services: Services;
  accounts: Account[];
  arrival: Arrival;
  evicted: number;
  words: Words;
}

/** All accounts, the one in front first. */
export async function readAccounts({ store }: Services): Promise<Account[]> {
  const [accounts, current] = [await store.accounts(), await store.currentDevice()];
  return accounts.sort((a, b) => Number(b.device === current) - Number(a.device === current));
}

/** What is shown first. */
function firstScreen({ accounts, arrival, evicted }: Pick<AppProps, 'accounts' | 'arrival' | 'evicted'>): Screen {
  if (evicted > 0) return { name: 'evicted', count: evicted };
  if (arrival.kind === 'broken' || arrival.kind === 'enrol') return { name: 'arrived', arrival };
  if (accounts.length === 0) return arrival.kind === 'open' ? { name: 'arrived', arrival } : { name: 'welcome' };
  if (arrival.kind === 'open') return { name: 'find', seen: { kind: 'open', txn: arrival.txn } };
  if (arrival.kind === 'shortcut' && arrival.what === 'scan') return { name: 'scan', want: 'anything' };
  return { name: 'home' };
}

/** Time that a screen reader has for an announcement, in milliseconds. */
const READ_ALOUD = 5000;

/** The whole app. */
export function App(props: AppProps): JSX.Element {
  const { services } = props;
  const [words, setWords] = useState(props.words);
  const [accounts, setAccounts] = useState(props.accounts);
  const [announcement, announce] = useState('');
  const [locked, setLocked] = useState<AppState['locked']>({});
  const screens = useScreens(firstScreen(props));
  const update = useUpdate();
  const refresh = async () => setAccounts(await readAccounts(services));
  // Home reads the accounts first. A link or a notice that is opened in that moment is what the person wants now, and stays.
  const arrivals = useRef(0);
  const arrive = (arrival: Arrival) => {
    arrivals.current += 1;
    screens.reset(firstScreen({ accounts, arrival, evicted: 0 }));
  };
  const home = async () => {
    const before = arrivals.current;
    const now = await readAccounts(services);
    setAccounts(now);
    if (arrivals.current !== before) return;
    screens.reset(now.length > 0 ? { name: 'home' } : { name: 'welcome' });
  };
  const live = useRequests(services, accounts, {
    arrived: ({ ctx }, count) => {
      announce(words.say('home.arrived', { count, service: ctx.rp }));
      buzz(60);
    },
    gone: (open) => {
      announce(words.say('home.gone'));
      void tidyNotices(open);
    },
    refused: (device, failure) => {
      const name = accounts.find((one) => one.device === device)?.name;
      setLocked((now) => ({ ...now, [device]: failure }));
      screens.reset({ name: 'problem', failure, ...(name !== undefined && { whose: { device, name } }) });
      void refresh();
    },
    unlocked: (device) => {
      setLocked(({ [device]: _, ...others }) => others);
      announce(words.say('home.unlocked'));
      const { screen } = screens.visit;
      if (screen.name === 'problem' && screen.failure.code === 'device_locked') void home();
    },
  });
  // A link that is opened while the app is: the page is not loaded anew, so it is taken out of the address here.
  useEffect(() => {
    const linked = () => {
      const arrival = takeArrival();
      if (arrival.kind !== 'nothing') arrive(arrival);
    };
    window.addEventListener('hashchange', linked);
    return () => window.removeEventListener('hashchange', linked);
  }, [accounts]);
  useEffect(() => onNoticeTapped((txn) => arrive({ kind: 'open', txn })), [accounts]);
  const able = accounts.filter(({ state }) => state === 'active').map(({ device }) => device);
  useEffect(() => {
    void (accounts.length > 0 ? refreshPush(services) : endPush());
  }, [able.join()]);
  useEffect(() => {
    // What was read aloud is news no more: somebody who goes through the screen later would meet it as if it were.
    const timer = announcement === '' ? undefined : setTimeout(() => announce(''), READ_ALOUD);
    return () => clearTimeout(timer);
  }, [announcement]);
  useEffect(() => {
    void keepNoticeWords(words);
    document.documentElement.lang = words.language;
  }, [words]);
  const app: AppState = {
    words,
    services,
    accounts,
    ...live,
    answered: (txn) => void tidyNotices(live.answered(txn)),
    locked,
    update,
    go: screens.go,
    become: screens.become,
    back: screens.back,
    home: () => void home(),
    refresh,
    async bringForward(device) {
      await services.store.setCurrentDevice(device);
      await refresh();
    },
    async changeLanguage(tag) {
      chooseLanguage(tag);
      setWords(await loadWords(tag));
    },
    announce,
  };
  return (
    <AppContext.Provider value={app}>
      <div key={screens.visit.key} data-screen={screens.visit.screen.name}>
        {show(screens.visit.screen)}
      </div>
      <p class="visually-hidden" role="status" aria-live="assertive">
        {announcement}
      </p>
    </AppContext.Provider>
  );
}
