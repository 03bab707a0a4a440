// The operator's notices on the pages of a running provider: which of them, to whom, in which language, and taken over without a restart.
import { expect } from 'chai';
import { person, type RunningHouse, SERVICE, startHouse } from '../support/house.ts';
import { HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, logIn } from '../support/service.ts';

const HOUR = 3_600_000;
const at = (hours: number) => new Date(Date.now() + hours * HOUR).toISOString();
const now = { from: at(-1), until: at(1) };

const NOTICES = [
  { text: { en: 'Slow <b>today</b>.', de: 'Heute langsam.' }, ...now },
  { text: { en: 'Down tomorrow.' }, from: at(23), until: at(24) },
  { text: { en: 'Down next week.' }, from: at(200), until: at(201) },
  { text: { en: 'Was down.' }, from: at(-3), until: at(-2) },
  { text: { en: 'Payroll is read-only.' }, ...now, services: ['payroll'] },
  { text: { en: 'Wiki is read-only.' }, ...now, services: ['wiki'] },
];

describe('notices on pages', () => {
  let running: RunningHouse;
  before(async function () {
    this.timeout(180_000);
    const wiki = { ...SERVICE, client_id: 'wiki', client_name: 'Wiki', first_party: false };
    running = await startHouse({
      files: { 'clients/wiki.yaml': wiki, 'notices.yaml': { notices: NOTICES } },
    });
  });
  after(() => running?.close());

  /** What the notices of a page say, with how they look and their language. */
  const told = (page: string) =>
    [...page.matchAll(/<p class="notice (\w+)" lang="([^"]+)" dir="auto">([^<]*)<\/p>/g)].map(([, ...parts]) =>
      parts.join(' '),
    );

  /** The notices of the first page of a sign-in. */
  async function atSignIn(service: string, language = 'en'): Promise<string[]> {
    const browser = new HttpBrowser();
    const page = await browser.visit(authorization(running.issuer, { client_id: service }).url, atService);
    return told((await browser.request(page.url, { headers: { 'accept-language': language } })).text);
  }

  const EVERYBODY = ['warn en Slow &lt;b>today&lt;/b>.', 'info en Down tomorrow.'];

  it('show what is active and announced, and of services only their own', async () => {
    expect(await atSignIn('payroll')).to.deep.equal([...EVERYBODY, 'warn en Payroll is read-only.']);
    expect(await atSignIn('wiki')).to.deep.equal([...EVERYBODY, 'warn en Wiki is read-only.']);
  });

  it('stay through the steps of a sign-in', async () => {
    const { login } = await person(running.house);
    const browser = new HttpBrowser();
    const page = await browser.visit(authorization(running.issuer, { client_id: 'wiki' }).url, atService);
    const consent = await logIn(browser, page, login);
    expect(consent.text).to.include('/consent');
    expect(told(consent.text)).to.deep.equal([...EVERYBODY, 'warn en Wiki is read-only.']);
  });

  it('stand outside of sign-ins too, without those of services', async () => {
    for (const path of ['/help', '/recovery', '/nowhere']) {
      const page = await new HttpBrowser().visit(`${running.issuer}${path}`);
      expect(told(page.text), path).to.deep.equal(EVERYBODY);
    }
  });

  it('speak the reader’s language where the operator does, and say that they are English where not', async () => {
    expect((await atSignIn('payroll', 'de')).slice(0, 2)).to.deep.equal([
      'warn de Heute langsam.',
      'info en Down tomorrow.',
    ]);
  });

  it('are taken over without a restart', async () => {
    const report = await running.reload({ 'notices.yaml': { notices: [{ text: { en: 'New.' }, ...now }] } });
    expect(report.needsRestart).to.deep.equal([]);
    expect(await atSignIn('payroll')).to.deep.equal(['warn en New.']);
    await running.reload({ 'notices.yaml': { notices: [] } });
    expect(await atSignIn('payroll')).to.deep.equal([]);
  });
});
