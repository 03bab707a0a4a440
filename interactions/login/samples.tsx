// Samples of the sign-in page.
import { type Sample, SAMPLE_SERVICE as service } from '../samples.ts';
import { LoginPage } from './page.tsx';

const at = '/interaction/sample';

export const samples: readonly Sample[] = [
  { name: 'login', page: (view) => <LoginPage view={view} service={service} at={at} /> },
  {
    name: 'login-notices',
    page: (view) => {
      const times = { from: 1_796_162_400, until: 1_796_169_600 };
      const notices = [
        {
          ...times,
          state: 'active' as const,
          text: {
            en: 'Payroll is being updated until 23:00. Signing in works.',
            de: 'Payroll wird bis 23 Uhr erneuert.',
          },
        },
        { ...times, state: 'announced' as const, text: { en: 'Tomorrow from 22:00 to 22:30 nobody can sign in.' } },
      ];
      return <LoginPage view={{ ...view, notices }} service={service} at={at} />;
    },
  },
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
