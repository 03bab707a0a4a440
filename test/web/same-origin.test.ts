// Requests that another site made the browser send change nothing.
import { expect } from 'chai';
import { fromOurPages, sameOrigin } from '../../src/web/same-origin.ts';
import { type Serving, serving } from './serving.ts';

const issuer = 'https://id.example';

describe('same origin', () => {
  let server: Serving;
  let changed = 0;
  let told = 0;
  before(async () => {
    server = await serving([
      sameOrigin({
        issuer,
        except: (ctx) => ctx.path === '/token',
        refused: () => {
          told += 1;
        },
      }),
      async (ctx) => {
        changed += 1;
        ctx.body = 'changed';
      },
    ]);
  });
  after(() => server.close());
  beforeEach(() => {
    changed = 0;
    told = 0;
  });

  const ask = (method: string, headers: Record<string, string>, path = '/x') =>
    fetch(server.url + path, { method, headers });

  const refused: readonly Record<string, string>[] = [
    {},
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'https://id.example.evil.example' },
    { origin: 'https://id.example:444' },
    { origin: 'http://id.example' },
    { origin: issuer, 'sec-fetch-site': 'cross-site' },
    { origin: issuer, 'sec-fetch-site': 'same-site' },
    { origin: issuer, 'sec-fetch-site': 'none' },
    { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'cross-site' },
  ];
  for (const headers of refused)
    it(`refuses a POST with ${JSON.stringify(headers)}`, async () => {
      const answer = await ask('POST', headers);
      expect(answer.status).to.equal(403);
      expect(changed).to.equal(0);
      expect(told).to.equal(1);
    });

  const allowed: readonly Record<string, string>[] = [
    { origin: issuer },
    { origin: issuer, 'sec-fetch-site': 'same-origin' },
    { origin: 'null', 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'same-origin' },
  ];
  for (const headers of allowed)
    it(`takes a POST with ${JSON.stringify(headers)}`, async () => {
      expect((await ask('POST', headers)).status).to.equal(200);
      expect(told).to.equal(0);
    });

  for (const method of ['PUT', 'PATCH', 'DELETE'])
    it(`refuses a ${method} of another site`, async () => {
      expect((await ask(method, { origin: 'https://evil.example' })).status).to.equal(403);
    });

  it('lets reading and excepted paths through', async () => {
    expect((await ask('GET', { 'sec-fetch-site': 'cross-site' })).status).to.equal(200);
    expect((await ask('POST', { origin: 'https://evil.example' }, '/token')).status).to.equal(200);
  });

  it('never takes the word of a page over that of the browser', () => {
    expect(fromOurPages({ site: 'cross-site', origin: issuer }, issuer)).to.equal(false);
    expect(fromOurPages({ site: '', origin: '' }, issuer)).to.equal(false);
  });
});
