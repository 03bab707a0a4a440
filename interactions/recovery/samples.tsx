// Samples of the pages for a forgotten password and an invitation.
import type { Sample } from '../samples.ts';
import { AskPage, DonePage, NewPasswordPage, SentPage } from './page.tsx';
import type { NewPasswordProblem } from './password-words.ts';

const from = '/interaction/sample';
const PROBLEMS: readonly (NewPasswordProblem | 'busy' | 'over')[] = [
  'too_short',
  'too_long',
  'common',
  'personal',
  'repeated',
  'mismatch',
  'same',
  'busy',
  'over',
];

export const samples: readonly Sample[] = [
  { name: 'recovery-ask', page: (view) => <AskPage view={view} from={from} /> },
  { name: 'recovery-ask-wait', page: (view) => <AskPage view={view} retryAfter={300} /> },
  { name: 'recovery-sent', page: (view) => <SentPage view={view} from={from} minutes={30} /> },
  { name: 'recovery-new', page: (view) => <NewPasswordPage view={view} what="reset" minLength={8} token="sample" /> },
  ...PROBLEMS.map((problem) => ({
    name: `recovery-new-${problem}`,
    page: (view: Parameters<Sample['page']>[0]) => (
      <NewPasswordPage view={view} what="reset" minLength={8} problem={problem} />
    ),
  })),
  { name: 'recovery-invitation', page: (view) => <NewPasswordPage view={view} what="invitation" minLength={8} /> },
  {
    name: 'recovery-invitation-over',
    page: (view) => <NewPasswordPage view={view} what="invitation" minLength={8} problem="over" />,
  },
  { name: 'recovery-done', page: (view) => <DonePage view={view} what="reset" /> },
  { name: 'recovery-done-invitation', page: (view) => <DonePage view={view} what="invitation" /> },
];
