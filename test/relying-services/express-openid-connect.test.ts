// docs/relying-services/express-openid-connect.md, run as it stands.
import { hearsOfSignOut, type Service, startService, worksWith } from './with-service.ts';

describe('relying service: express-openid-connect', function () {
  this.timeout(180_000);
  let service: Service;
  before(async () => {
    service = await startService('express-openid-connect');
  });
  after(() => service?.close());
  worksWith(() => service);

  it('hears of a sign-out that began at the provider', () => hearsOfSignOut(service));
});
