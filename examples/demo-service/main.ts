// Starts the demo relying service and, beside it, the demo API.
import type { Server } from 'node:http';
import { demoApi } from '../demo-api/api.ts';
import { RelyingParty } from './relying-party.ts';
import { demoService } from './routes.tsx';
import { demoSettings } from './settings.ts';

const HOST = process.env.HOST ?? '127.0.0.1';

const settings = demoSettings();
const servers: Server[] = [
  demoService(settings, new RelyingParty(settings)).listen(settings.port, HOST),
  demoApi(settings.issuer, settings.api).listen(settings.apiPort, HOST),
];

for (const server of servers) {
  server.once('error', (error) => {
    console.error(`The demo service cannot start: ${error.message}`);
    process.exit(1);
  });
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
  });
}
