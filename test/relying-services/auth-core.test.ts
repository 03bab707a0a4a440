// docs/relying-services/auth-core.md, run as it stands.
import { type Service, startService, worksWith } from './with-service.ts';

describe('relying service: auth-core', function () {
  this.timeout(180_000);
  let service: Service;
  before(async () => {
    service = await startService('auth-core');
  });
  after(() => service?.close());
  worksWith(() => service);
});
