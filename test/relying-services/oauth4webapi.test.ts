// docs/relying-services/oauth4webapi.md, run as it stands.
import { type Service, startService, worksWith } from './with-service.ts';

describe('relying service: oauth4webapi', function () {
  this.timeout(180_000);
  let service: Service;
  before(async () => {
    service = await startService('oauth4webapi');
  });
  after(() => service?.close());
  worksWith(() => service);
});
