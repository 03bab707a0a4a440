// docs/relying-services/passport-openidconnect.md, run as it stands.
import { expect } from 'chai';
import { HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, CALLBACK, type Parameters } from '../support/service.ts';
import { type Service, startService, worksWith } from './with-service.ts';

describe('relying service: passport-openidconnect', function () {
  this.timeout(180_000);
  let service: Service;
  before(async () => {
    service = await startService('passport-openidconnect');
  });
  after(() => service?.close());
  worksWith(() => service);

  it('is let off PKCE only with a nonce, and only because its file says so', async () => {
    const ask = async (parameters: Parameters) => {
      const plain = { code_challenge: undefined, code_challenge_method: undefined };
      const travel = { client_id: 'travel', redirect_uri: `${service.home}/callback` };
      const { url } = authorization(service.running.issuer, { ...plain, ...travel, ...parameters });
      return new HttpBrowser().visit(url, (to) => to.startsWith(service.home) || atService(to));
    };
    const errorOf = async (parameters: Parameters) => {
      const { location } = await ask(parameters);
      return location && new URL(location).searchParams.get('error');
    };
    expect((await ask({})).text).to.include('current-password');
    for (const nonce of [undefined, '']) expect(await errorOf({ nonce })).to.equal('invalid_request');
    expect(await errorOf({ client_id: 'payroll', redirect_uri: CALLBACK })).to.equal('invalid_request');
  });
});
