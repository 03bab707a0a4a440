// docs/relying-services/openid-client.md, run as it stands.
import { type Service, startService, worksWith } from './with-service.ts';

describe('relying service: openid-client', function () {
  this.timeout(180_000);
  let service: Service;
  before(async () => {
    service = await startService('openid-client');
  });
  after(() => service?.close());
  worksWith(() => service);
});
