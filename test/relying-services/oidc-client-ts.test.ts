// docs/relying-services/oidc-client-ts.md, run as it stands in Chromium: an app with DPoP, and an API that asks for a step-up.
import { expect } from 'chai';
import type { BrowserContext, Page } from 'playwright-core';
import { MFA, PIN } from '../interactions/with-phone.ts';
import { type Complaints, desktop, listenTo } from '../support/browser.ts';
import { PASSWORD } from '../support/house.ts';
import { AMR, type Service, startService } from './with-service.ts';

describe('relying service: oidc-client-ts', function () {
  this.timeout(180_000);
  let service: Service;
  let desk: BrowserContext;
  let page: Page;
  let complaints: Complaints;
  before(async () => {
    service = await startService('oidc-client-ts');
    desk = await desktop();
    complaints = listenTo(desk, [service.home, service.running.issuer], [/status of 401/]);
    page = await desk.newPage();
    page.setDefaultTimeout(45_000);
  });
  after(async () => {
    await desk?.close();
    await service?.close();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') console.error(page.url(), complaints, await page.innerText('body'));
    expect(complaints).to.deep.equal({ errors: [], foreign: [] });
  });

  const shown = async (id: string) => {
    await page.waitForURL(`${service.home}/`);
    await page.waitForFunction(`!['…', ''].includes(document.getElementById('${id}').textContent)`);
    return JSON.parse((await page.textContent(`#${id}`)) ?? '') as { [claim: string]: unknown } | null;
  };

  it('signs in by discovery and a password, with a token that is bound to a key of the browser', async () => {
    await page.goto(service.home);
    expect(await shown('claims')).to.equal(null);
    const redeemed = page.waitForResponse(`${service.running.issuer}/token`);
    await page.click('#sign-in');
    await page.fill('#login', service.who.login);
    await page.fill('#password', PASSWORD);
    await page.click('button.main');
    expect(await (await redeemed).json()).to.include({ token_type: 'DPoP' });
    expect(await shown('claims')).to.include({ sub: service.who.id, acr: 'urn:countersign:acr:basic' });
  });

  it('steps up when the API asks for it, and gets its answer', async () => {
    await page.click('#trips');
    await page.getByRole('heading', { name: 'Scan with your phone' }).first().waitFor();
    const state = `fetch(${JSON.stringify(`${page.url()}/state`)}).then((answer) => answer.json())`;
    const { frame } = (await page.evaluate(state)) as { frame: { i: number; mac: string } };
    const part = async (name: string) => (await page.locator('[data-approve]').getAttribute(`data-${name}`)) ?? '';
    const link = `${await part('before')}${frame.i}.${frame.mac}${await part('after')}`;
    await service.phone.approve(await service.phone.claim(link), { pin: PIN });
    expect(await shown('answer')).to.deep.equal({
      of: service.who.id,
      acr: MFA,
      scheme: 'dpop',
      trips: ['Antwerp', 'Ghent'],
    });
    const claims = await shown('claims');
    expect(claims).to.include({ acr: MFA });
    expect(claims?.['amr']).to.have.members(AMR);
    await page.evaluate(`document.getElementById('answer').textContent = ''`);
    await page.click('#trips');
    expect(await shown('answer')).to.include({ scheme: 'dpop' });
  });

  it('has a token that opens nothing in other hands', async () => {
    const stored = (await page.evaluate('JSON.stringify(sessionStorage)')) as string;
    const token = /"access_token\\*":\\*"([\w-]+\.[\w-]+\.[\w-]+)/.exec(stored)?.[1] ?? '';
    expect(token).to.include('.');
    for (const scheme of ['Bearer', 'DPoP']) {
      const answer = await fetch(`${service.home}/api/trips`, { headers: { authorization: `${scheme} ${token}` } });
      expect(answer.status).to.equal(401);
    }
  });

  it('signs out here and at the provider', async () => {
    await page.click('#sign-out');
    await page.getByRole('button', { name: 'Yes, sign me out' }).click();
    expect(await shown('claims')).to.equal(null);
    await page.click('#sign-in');
    await page.locator('#password').waitFor();
  });
});
