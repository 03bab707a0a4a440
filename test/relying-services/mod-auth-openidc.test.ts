// docs/relying-services/mod-auth-openidc.md, run as it stands by an Apache of its own.
import { expect } from 'chai';
import { approveByScan, MFA } from '../interactions/with-phone.ts';
import { HttpBrowser } from '../support/http-browser.ts';
import { logIn } from '../support/service.ts';
import { findProgram } from '../support/services.ts';
import { claimsOn, hearsOfSignOut, NODE, onDebian, type Service, startService, worksWith } from './with-service.ts';

const MODULES = [
  'mpm_event',
  'authn_core',
  'authz_core',
  'authz_user',
  'alias',
  'headers',
  'proxy',
  'proxy_http',
  'auth_openidc',
];

/** What Debian's own apache2.conf does, without anything of the machine. */
const BASE = `
ServerRoot .
ServerName localhost
PidFile apache2.pid
DefaultRuntimeDir .
Mutex file:. default
${process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''}
ErrorLog "|/bin/cat"
LogLevel warn auth_openidc:warn
${MODULES.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
# A browser says so of every page that a person goes to; Node's fetch says "cors", and nobody can stop it.
RequestHeader set Sec-Fetch-Mode navigate early
Include travel.conf
`;

if (onDebian)
  describe('relying service: Apache with mod_auth_openidc', function () {
    this.timeout(180_000);
    let service: Service;
    before(async () => {
      const apache = {
        command: findProgram('apache2') ?? 'apache2',
        args: ['-d', '.', '-f', 'apache2.conf', '-DFOREGROUND'],
        env: { TRAVEL_COOKIES: 'another random text for this test' },
      };
      service = await startService(
        'mod-auth-openidc',
        { ...NODE, behind: true },
        { ...apache, files: { 'apache2.conf': BASE } },
      );
    });
    after(() => service?.close());
    worksWith(() => service);

    it('asks for the level of a path at the first sign-in already', async () => {
      const browser = new HttpBrowser();
      const page = await logIn(browser, await browser.visit(`${service.home}/strong`), service.who.login);
      const claims = claimsOn(await approveByScan(browser, service.phone, page));
      expect(claims).to.include({ acr: MFA });
    });

    it('hears of a sign-out that began at the provider', () => hearsOfSignOut(service));

    it('never takes a claim from a header of the browser', async () => {
      const headers = { OIDC_CLAIM_sub: 'somebody', OIDC_CLAIM_acr: MFA, OIDC_CLAIM_amr: 'pwd' };
      const answer = await new HttpBrowser().request(`${service.home}/`, { headers });
      expect(claimsOn(answer)).to.equal(null);
    });
  });
