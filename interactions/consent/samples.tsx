// Samples of the consent page.
import { type Sample, SAMPLE_SERVICE as service } from '../samples.ts';
import { ConsentPage } from './page.tsx';

const at = '/interaction/sample';

export const samples: readonly Sample[] = [
  {
    name: 'consent',
    page: (view) => (
      <ConsentPage
        view={view}
        service={service}
        at={at}
        account="Ada Lovelace"
        consent={{
          scopes: ['openid', 'profile', 'email', 'groups', 'phone', 'address', 'offline_access'],
          claims: ['name', 'preferred_username', 'locale', 'acr'],
          own: [
            { name: 'roles', groups: true },
            { name: 'department', description: 'Your department', groups: false },
            { name: 'desk', groups: false },
          ],
          resources: [
            {
              name: 'Payroll API',
              claims: [{ name: 'groups', groups: true }],
              scopes: [{ name: 'payslips', description: 'Read your payslips' }, { name: 'payslips:approve' }],
            },
          ],
        }}
      />
    ),
  },
  {
    name: 'consent-new-claims',
    page: (view) => (
      <ConsentPage
        view={view}
        service={service}
        at={at}
        account="Ada Lovelace"
        consent={{
          scopes: [],
          claims: [],
          own: [{ name: 'department', description: 'Your department', groups: false }],
          resources: [{ name: 'Payroll API', claims: [{ name: 'groups', groups: true }], scopes: [] }],
        }}
      />
    ),
  },
  {
    name: 'consent-unknown-scope',
    page: (view) => (
      <ConsentPage
        view={view}
        service={{ clientId: 'plain', name: 'Plain', firstParty: false }}
        at={at}
        consent={{ scopes: ['openid', 'constructor'], claims: ['email', 'shoe_size'], own: [], resources: [] }}
      />
    ),
  },
];
