// Somebody signs in while another person's session is open in the browser: the page between goes on by itself, or by its button.
import { createServer, type Server } from 'node:http';
import { expect } from 'chai';
import type { BrowserContext } from 'playwright-core';
import { desktop } from '../support/browser.ts';
import { PASSWORD, person, portOf, type RunningHouse, SERVICE, startHouse } from '../support/house.ts';
import { authorization, redeem } from '../support/service.ts';

describe('another person in the same browser', function () {
  this.timeout(180_000);
  let running: RunningHouse;
  let service: Server;
  let callback: string;
  const contexts: BrowserContext[] = [];
  before(async () => {
    service = createServer((_request, response) => response.end('<title>at the service</title>'));
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
    callback = `http://localhost:${portOf(service)}/callback`;
    running = await startHouse({ files: { 'clients/payroll.yaml': { ...SERVICE, redirect_uris: [callback] } } });
  });
  after(async () => {
    for (const context of contexts) await context.close();
    await running?.close();
    service?.close();
  });

  /** Types a password; the request that was answered. */
  async function signIn(context: BrowserContext, login: string, more: { [name: string]: string } = {}) {
    const request = authorization(running.issuer, { redirect_uri: callback, ...more });
    const page = context.pages()[0] ?? (await context.newPage());
    page.setDefaultTimeout(45_000);
    await page.goto(request.url);
    await page.locator('input[name=login]').fill(login);
    await page.locator('input[name=password]').fill(PASSWORD);
    await page.locator('main button[type=submit], main button:not([type])').first().click();
    return { page, request };
  }

  for (const javaScriptEnabled of [true, false]) {
    it(`is signed in as who typed the password, ${javaScriptEnabled ? 'with' : 'without'} scripts`, async () => {
      const [first, second] = [await person(running.house), await person(running.house)];
      const context = await desktop({ javaScriptEnabled, locale: 'de' });
      contexts.push(context);
      await (await signIn(context, first.login)).page.waitForURL((url) => url.href.startsWith(callback));
      const { page, request } = await signIn(context, second.login, { prompt: 'login' });
      if (!javaScriptEnabled) {
        await page.getByRole('heading', { name: 'Einen Moment' }).waitFor();
        await page.getByRole('button', { name: 'Weiter' }).click();
      }
      await page.waitForURL((url) => url.href.startsWith(callback));
      const code = new URL(page.url()).searchParams.get('code') ?? '';
      const { claims } = await redeem(running.issuer, code, request.verifier, { redirect_uri: callback });
      expect(claims.sub).to.equal(second.id);
    });
  }

  it('hands a form on to the service by itself', async () => {
    const { login } = await person(running.house);
    const context = await desktop();
    contexts.push(context);
    const { page } = await signIn(context, login, { response_mode: 'form_post' });
    await page.waitForURL(callback);
    expect(await page.title()).to.equal('at the service');
  });
});
