// Samples of the approval pages.
import { type Sample, SAMPLE_SERVICE as service } from '../samples.ts';
import {
  ApprovePage,
  EndedPage,
  type Ending,
  FinishPage,
  LostPage,
  UnreachablePage,
  type WaitingPage,
} from './page.tsx';

const base = '/interaction/sample/approve';
const link = {
  before: 'https://id.example/phone/#l1.AAECAwQFBgcICQoLDA0ODw.',
  after: `.${'eyJhdCI6MTc5NTUwMjc0NywiYnJvd3NlciI6IkZpcmVmb3ggb24gTGludXgifQ'.repeat(3)}`,
  text: '',
};
const around = { service, level: 'mfa', why: 'password' as const, base };
const waiting: Omit<WaitingPage, 'view'> = {
  ...around,
  look: 'scan',
  number: '042917',
  left: 154,
  whole: 180,
  link: { ...link, text: `${link.before}26.AAECAwQFBgcICQoLDA0ODw${link.after}` },
  offline: true,
  push: true,
  seen: false,
};
const endings: readonly Ending[] = ['denied', 'reported', 'failed', 'failed_code', 'expired', 'void'];

export const samples: readonly Sample[] = [
  { name: 'approve-scan', page: (view) => ApprovePage({ view, ...waiting }) },
  {
    name: 'approve-scan-wrong-code',
    page: (view) =>
      ApprovePage({
        view,
        ...waiting,
        codeError: { kind: 'error', key: 'approve.code_wrong', values: { remaining: 2 } },
        notice: { kind: 'warn', key: 'approve.push_often', values: { minutes: 7 } },
      }),
  },
  { name: 'approve-number', page: (view) => ApprovePage({ view, ...waiting, look: 'number', why: 'session' }) },
  {
    name: 'approve-number-seen',
    page: (view) =>
      ApprovePage({
        view,
        ...waiting,
        look: 'number',
        seen: true,
        why: 'stale',
        notice: { kind: 'info', key: 'approve.not_yet' },
      }),
  },
  {
    name: 'approve-same-phone',
    page: (view) =>
      ApprovePage({
        view,
        ...waiting,
        look: 'number',
        openHere: 'https://id.example/phone/#o1.AAECAwQFBgcICQoLDA0ODw',
      }),
  },
  { name: 'approve-code', page: (view) => ApprovePage({ view, ...waiting, look: 'code' }) },
  { name: 'approve-finish', page: (view) => FinishPage({ view, ...around }) },
  ...endings.map((ending) => ({
    name: `approve-${ending.replace('_', '-')}`,
    page: (view: Parameters<Sample['page']>[0]) => EndedPage({ view, ...around, ending }),
  })),
  { name: 'approve-lost', page: (view) => LostPage({ view, ...around, back: base, contact: 'help@example.org' }) },
  { name: 'approve-unreachable', page: (view) => UnreachablePage({ view, ...around, level: 'phrh' }) },
];
