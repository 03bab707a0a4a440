// Samples of the system's own pages.
import type { Sample } from '../samples.ts';
import { LoggedOutPage, LogoutPage, PassOnPage, type ProblemKind, ProblemPage } from './page.tsx';

const KINDS: readonly ProblemKind[] = [
  'request',
  'client',
  'level',
  'forbidden',
  'missing',
  'over',
  'large',
  'many',
  'busy',
  'readonly',
  'ours',
];
const startAgain = { name: 'Payroll', url: 'https://payroll.example/' };
const form =
  '<form id="op.logoutForm" method="post" action="/session/end/confirm"><input type="hidden" name="xsrf" value="sample"/></form>';

export const samples: readonly Sample[] = [
  ...KINDS.map((kind) => ({
    name: `system-${kind}`,
    page: (view: Parameters<Sample['page']>[0]) => (
      <ProblemPage
        view={view}
        kind={kind}
        technical={{ code: 'invalid_request', description: 'a <script> in a description', requestId: 'Xk2mQ8' }}
        {...(kind === 'many' && { retryAfter: 40 })}
      />
    ),
  })),
  { name: 'system-over-service', page: (view) => <ProblemPage view={view} kind="over" startAgain={startAgain} /> },
  { name: 'system-logout', page: (view) => <LogoutPage view={view} form={form} /> },
  {
    name: 'system-logout-service',
    page: (view) => <LogoutPage view={view} form={form} service={{ name: 'Payroll' }} />,
  },
  {
    name: 'system-pass-on',
    page: (view) => <PassOnPage view={view} form={form.replace('logoutForm', 'passOnForm')} />,
  },
  { name: 'system-out', page: (view) => <LoggedOutPage view={view} /> },
  {
    name: 'system-out-service',
    page: (view) => <LoggedOutPage view={view} service={{ name: 'Payroll', homepage: 'https://payroll.example/' }} />,
  },
];
