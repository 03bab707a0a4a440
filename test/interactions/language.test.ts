// Which language a person reads: of the browser, of the service that asks, of their account, or the one that they picked; and their mails.
import { expect } from 'chai';
import { PASSWORD, person, type RunningHouse, startHouse } from '../support/house.ts';
import { type Answer, formOf, HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, logIn, type Parameters } from '../support/service.ts';
import { addPhone, MFA, newestMail, proveMailbox, submit } from './with-phone.ts';

describe('the language', () => {
  let running: RunningHouse;
  before(async function () {
    this.timeout(180_000);
    running = await startHouse();
  });
  after(() => running?.close());

  const at = (path: string) => `${running.issuer}${path}`;
  const languageOf = (page: Answer) => /<html lang="([^"]+)"/.exec(page.text)?.[1];
  const localeOf = async (id: string) => (await running.house.world.records.users.byId(id))?.locale;

  /** The first page of a sign-in at `payroll`. @param accept the Accept-Language header. */
  const begin = (browser: HttpBrowser, parameters: Parameters = {}, accept = '') =>
    browser
      .visit(authorization(running.issuer, parameters).url, atService)
      .then((page) => (accept === '' ? page : browser.request(page.url, { headers: { 'accept-language': accept } })));

  /** The account page has a form for the language of its own. */
  const fieldsOfPicker = (page: Answer) =>
    formOf({ ...page, text: page.text.slice(page.text.lastIndexOf('<form')) }, '/language').fields;

  /** Picks a language in the picker of a page, and answers the page that it leads back to. */
  async function pick(browser: HttpBrowser, page: Answer, language: string): Promise<Answer> {
    return browser.post(at('/language'), { ...fieldsOfPicker(page), language });
  }

  /** The first mail to a person: that of a new password is sent after the answer. */
  async function mailTo(login: string): Promise<string> {
    for (let tries = 0; tries < 600; tries += 1) {
      const mail = newestMail(running, `${login}@example.org`);
      if (mail !== '') return mail;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`no mail to ${login}`);
  }

  /** A person with a language of their own. */
  async function speaker(locale: string) {
    const who = await person(running.house);
    await running.house.world.records.users.setLocale(who.id, locale);
    return who;
  }

  it('is the first of the browser’s that we have, by its weights', async () => {
    for (const [accept, language] of [
      ['de-AT', 'de'],
      ['ja, fr-CA;q=0.8, de;q=0.9', 'de'],
      ['ja, ko;q=0.5', 'en'],
      ['fr;q=0, es', 'es'],
      [`${'x-'.repeat(2000)}, fr`, 'fr'],
    ] as const)
      expect(languageOf(await begin(new HttpBrowser(), {}, accept)), accept.slice(0, 40)).to.equal(language);
  });

  it('is the one that the service asks for (ui_locales), before the browser’s and the account’s, on every page of the sign-in', async () => {
    const who = await speaker('de');
    const browser = new HttpBrowser();
    const page = await begin(browser, { ui_locales: 'ja it-CH', acr_values: MFA }, 'fr');
    expect(languageOf(page)).to.equal('it');
    const enrol = await logIn(browser, page, who.login);
    expect(new URL(enrol.url).pathname).to.match(/\/enrol$/);
    expect(languageOf(enrol)).to.equal('it');
  });

  it('is the account’s once the password has told whose it is', async () => {
    const who = await speaker('fr');
    const browser = new HttpBrowser();
    const page = await begin(browser, { acr_values: MFA });
    expect(languageOf(page)).to.equal('en');
    expect(languageOf(await logIn(browser, page, who.login))).to.equal('fr');
  });

  it('is the one picked by hand, before all others, here and a year on', async () => {
    const browser = new HttpBrowser();
    const page = await begin(browser, { ui_locales: 'it' });
    const picked = await pick(browser, page, 'nl');
    expect(picked.url).to.equal(page.url);
    expect(languageOf(picked)).to.equal('nl');
    expect(languageOf(await begin(browser, { ui_locales: 'it' }, 'fr'))).to.equal('nl');
    expect(languageOf(await browser.visit(at('/recover')))).to.equal('nl');
    const answer = await fetch(at('/language'), {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' },
      body: new URLSearchParams({ ...fieldsOfPicker(page), language: 'nl' }).toString(),
    });
    expect(answer.headers.get('set-cookie')).to.match(/language=nl; Max-Age=31536000/);
  });

  it('refuses to keep what is no language of ours, and pays no heed to a cookie that names one', async () => {
    const who = await person(running.house);
    const browser = new HttpBrowser();
    const refused = await pick(browser, await begin(browser), 'xx');
    expect(refused.status).to.equal(400);
    expect(browser.cookie('language')).to.equal(undefined);
    const page = await begin(browser);
    const { url, fields } = formOf(page, '/login');
    await browser.request(url, {
      method: 'POST',
      headers: {
        cookie: `${browser.cookiesFor(new URL(url).pathname)}; language=xx`,
        'content-type': 'application/x-www-form-urlencoded',
        'sec-fetch-site': 'same-origin',
      },
      body: new URLSearchParams({ ...fields, login: who.login, password: PASSWORD }).toString(),
    });
    expect(await localeOf(who.id)).to.equal(undefined);
  });

  it('becomes the account’s at the first sign-in after it was picked, and mails speak it', async () => {
    const who = await person(running.house);
    const browser = new HttpBrowser();
    const page = await pick(browser, await begin(browser, { acr_values: MFA }), 'fr');
    const wrong = await logIn(browser, page, who.login, 'not the password at all');
    expect(languageOf(wrong)).to.equal('fr');
    expect(await localeOf(who.id)).to.equal(undefined);
    await logIn(browser, wrong, who.login);
    expect(await localeOf(who.id)).to.equal('fr');
    // From a browser that speaks another language: the mail is the account's.
    const other = new HttpBrowser();
    await submit(other, await other.visit(at('/recover')), '/recover', { login: who.login });
    expect(await mailTo(who.login)).to.include('mot de passe');
  });

  it('never takes the place of the account’s own on a browser that somebody else has used', async () => {
    const who = await speaker('de');
    const browser = new HttpBrowser();
    const page = await pick(browser, await begin(browser, { acr_values: MFA }), 'fr');
    expect(languageOf(await logIn(browser, page, who.login))).to.equal('fr');
    expect(await localeOf(who.id)).to.equal('de');
  });

  it('is changed for the account by the picker of the account page, and by nobody who is not signed in', async () => {
    const who = await speaker('de');
    const browser = new HttpBrowser();
    const home = await logIn(browser, await browser.visit(at('/account')), who.login);
    expect(languageOf(home)).to.equal('de');
    const picked = await pick(browser, home, 'es');
    expect(languageOf(picked)).to.equal('es');
    expect(picked.text).to.match(/<option[^>]* value="es"[^>]* selected/);
    expect(await localeOf(who.id)).to.equal('es');
    const stranger = new HttpBrowser();
    await pick(stranger, await stranger.visit(at('/recover')), 'it');
    expect(await localeOf(who.id)).to.equal('es');
  });

  it('is that of the letters too: a phone that was added is told in it', async () => {
    const who = await speaker('it');
    const browser = new HttpBrowser();
    const page = await logIn(browser, await begin(browser, { acr_values: MFA }), who.login);
    const form = await proveMailbox(running, browser, page, `${who.login}@example.org`);
    await addPhone(running, browser, form);
    const letter = newestMail(running, `${who.login}@example.org`);
    expect(letter).to.include('Buongiorno').and.include('Blue phone');
  });
});
