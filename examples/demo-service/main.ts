// Starts the demo relying service and, beside it, the demo API.
import { createServer } from 'node:http';
import { demoApi } from '../demo-api/api.ts';
import { RelyingParty } from './relying-party.ts';
import { demoService } from './routes.tsx';
import { demoSettings } from './settings.ts';

const HOST = process.env.HOST ?? '127.0.0.1';

const settings = demoSettings();
const service = demoService(settings, new RelyingParty(settings)).callback();
const api = demoApi(settings.issuer, settings.api).callback();

// Two services that know nothing of each other; only the port is shared, so that there is one address to remember.
const server = createServer((request, response) => {
  const answer = /^\/api(\/|$|\?)/.test(request.url ?? '') ? api : service;
  void answer(request, response);
});

server.once('error', (error) => {
  console.error(`The demo service cannot start: ${error.message}`);
  process.exit(1);
});
server.listen(settings.port, HOST);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    server.close();
    server.closeAllConnections();
  });
}
