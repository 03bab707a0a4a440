// Bodies: bounded, of the announced kind, whole UTF-8, and never read twice from one field.
import { request } from 'node:http';
import { expect } from 'chai';
import { readForm, readJson } from '../../src/web/body.ts';
import { type Serving, serving } from './serving.ts';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const JSON_TYPE = { 'content-type': 'application/json' };

describe('bodies', () => {
  let server: Serving;
  before(async () => {
    server = await serving([
      async (ctx) => {
        if (ctx.path === '/json') ctx.body = await readJson(ctx, 1000);
        else {
          const form = await readForm(ctx, 1000);
          ctx.body = { a: form.text('a'), b: form.text('b'), has: form.has('b') };
        }
      },
    ]);
  });
  after(() => server.close());

  const post = (path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>) =>
    fetch(server.url + path, { method: 'POST', body, headers });

  it('reads a form, and says what is not there', async () => {
    const answer = await post('/form', 'a=%C3%A9+x', FORM);
    expect(await answer.json()).to.deep.equal({ a: 'é x', b: '', has: false });
  });

  const wrong: readonly [string, string | Uint8Array<ArrayBuffer>, Record<string, string>, number][] = [
    ['a field sent twice', 'a=1&a=2', FORM, 400],
    ['NUL in a field', 'a=%00', FORM, 400],
    ['more than 50 fields', Array.from({ length: 51 }, (_, i) => `f${i}=`).join('&'), FORM, 400],
    ['bad UTF-8', new Uint8Array([0x61, 0x3d, 0xff]), FORM, 400],
    ['1001 bytes', `a=${'x'.repeat(999)}`, FORM, 413],
    ['another type', 'a=1', { 'content-type': 'text/plain' }, 415],
    ['a compressed body', 'a=1', { ...FORM, 'content-encoding': 'gzip' }, 415],
  ];
  for (const [what, body, headers, status] of wrong)
    it(`refuses ${what} with ${status}`, async () => {
      expect((await post('/form', body, headers)).status).to.equal(status);
    });

  it('takes exactly as much as the bound', async () => {
    expect((await post('/form', `a=${'x'.repeat(998)}`, FORM)).status).to.equal(200);
  });

  it('counts a body of unknown length while it comes', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const sent = request(`${server.url}/form`, { method: 'POST', headers: FORM }, (answer) => {
        resolve(answer.statusCode);
        answer.resume();
      });
      sent.on('error', reject);
      // Without a length the body is sent in chunks.
      for (let part = 0; part < 20; part += 1) sent.write('x'.repeat(100));
      sent.end();
    });
    expect(status).to.equal(413);
  });

  it('refuses an announced length before a byte of it comes', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { ...FORM, 'content-length': '1000000000' };
      const sent = request(`${server.url}/form`, { method: 'POST', headers }, (answer) => {
        resolve(answer.statusCode);
        sent.destroy();
      });
      sent.on('error', reject);
      sent.flushHeaders();
    });
    expect(status).to.equal(413);
  });

  it('reads a JSON object and nothing else', async () => {
    expect(await (await post('/json', '{"a":1}', JSON_TYPE)).json()).to.deep.equal({ a: 1 });
    for (const body of ['[1]', 'null', '"x"', '1', '{"a":', ''])
      expect((await post('/json', body, JSON_TYPE)).status, body).to.be.oneOf([400, 415]);
    // What a form of another site can send without being asked (CORS "simple" types).
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'])
      expect((await post('/json', '{"a":1}', { 'content-type': type })).status, type).to.equal(415);
  });
});
