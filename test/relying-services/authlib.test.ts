// docs/relying-services/authlib.md, run as it stands by Debian's Python.
import { onDebian, type Service, startService, worksWith } from './with-service.ts';

if (onDebian)
  describe('relying service: Authlib', function () {
    this.timeout(180_000);
    let service: Service;
    before(async () => {
      service = await startService('authlib', { command: '/usr/bin/python3', args: ['service.py'] });
    });
    after(() => service?.close());
    worksWith(() => service);
  });
