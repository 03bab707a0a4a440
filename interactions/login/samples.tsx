// Samples of the sign-in page.
import { type Sample, SAMPLE_SERVICE as service } from '../samples.ts';
import { LoginPage } from './page.tsx';

const at = '/interaction/sample';

export const samples: readonly Sample[] = [
  { name: 'login', page: (view) => <LoginPage view={view} service={service} at={at} /> },
  {
    name: 'login-hint',
    page: (view) => <LoginPage view={view} service={service} at={at} login="ada@example.org" again />,
  },
  {
    name: 'login-wrong',
    page: (view) => <LoginPage view={view} service={service} at={at} login="ada" problem={{ why: 'wrong' }} />,
  },
  {
    name: 'login-wait',
    page: (view) => (
      <LoginPage view={view} service={service} at={at} login="ada" problem={{ why: 'wait', retryAfter: 30 }} />
    ),
  },
  {
    name: 'login-busy',
    page: (view) => <LoginPage view={view} service={service} at={at} login="ada" problem={{ why: 'busy' }} />,
  },
  {
    name: 'login-long-names',
    page: (view) => (
      <LoginPage
        view={view}
        service={{ ...service, name: 'Verwaltungsgemeinschaft Niederschlesischer Krankenversicherungsträger' }}
        at={at}
      />
    ),
  },
];
