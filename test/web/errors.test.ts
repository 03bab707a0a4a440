// What is told of an error: a status, a code and the number of the request; never what went on inside.
import { expect } from 'chai';
import { QueueFull } from '../../src/domain/ports.ts';
import { Refusal, type RefusalCode, STATUS } from '../../src/web/errors.ts';
import { type Serving, serving } from './serving.ts';

const INSIDE = 'select * from users where secret = 42';

describe('errors', () => {
  let server: Serving;
  let broken: Serving;
  before(async () => {
    server = await serving([
      async (ctx, next) => {
        const name = ctx.path.slice(1);
        if (name in STATUS) throw new Refusal(name as RefusalCode, name === 'too_many' ? 40 : undefined);
        if (name === 'throw') throw new Error(INSIDE);
        if (name === 'text') throw INSIDE;
        if (name === 'queue') throw new QueueFull();
        if (name === 'status') throw Object.assign(new Error(INSIDE), { status: 418, expose: true });
        if (name === 'server-status') throw Object.assign(new Error(INSIDE), { status: 502, expose: true });
        await next();
      },
    ]);
    broken = await serving(
      [
        async () => {
          throw new Error(INSIDE);
        },
      ],
      {
        page: async () => {
          throw new Error(INSIDE);
        },
      },
    );
  });
  after(async () => {
    await server.close();
    await broken.close();
  });

  const ask = async (url: string, accept: string) => {
    const answer = await fetch(url, { headers: { accept } });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  };

  for (const [code, status] of Object.entries(STATUS))
    it(`tells ${code} as ${status}, to people and to machines`, async () => {
      const [page, machine] = [
        await ask(`${server.url}/${code}`, 'text/html'),
        await ask(`${server.url}/${code}`, 'application/json'),
      ];
      expect([page.status, machine.status]).to.deep.equal([status, status]);
      expect(page.headers.get('content-type')).to.match(/^text\/html/);
      expect(machine.headers.get('content-type')).to.match(/^application\/problem\+json/);
      const told = JSON.parse(machine.text);
      expect(told.type).to.equal(`urn:countersign:problem:${code}`);
      expect(told.request_id).to.equal(machine.headers.get('x-request-id'));
    });

  const surprises: readonly [string, number][] = [
    ['throw', 500],
    ['text', 500],
    ['server-status', 500],
    ['status', 400],
    ['queue', 503],
  ];
  for (const [name, status] of surprises)
    for (const accept of ['text/html', 'application/json'])
      it(`tells nothing of what went on inside (${name}, ${accept})`, async () => {
        const answer = await ask(`${server.url}/${name}`, accept);
        expect(answer.status).to.equal(status);
        expect(answer.text).to.not.match(/select|secret|at .*\.ts|node_modules|Error:/);
      });

  it('says when to come back', async () => {
    const answer = await ask(`${server.url}/too_many`, 'application/json');
    expect(answer.headers.get('retry-after')).to.equal('40');
    expect(JSON.parse(answer.text).retry_after).to.equal(40);
    expect((await ask(`${server.url}/queue`, 'text/html')).headers.get('retry-after')).to.equal('5');
  });

  it('answers 404 where nobody answered', async () => {
    expect((await ask(`${server.url}/nothing`, 'text/html')).status).to.equal(404);
  });

  it('has one plain line left where even the page of the error fails', async () => {
    const answer = await ask(broken.url, 'text/html');
    expect(answer.status).to.equal(500);
    expect(answer.text).to.equal(`Something went wrong on our side. Request ${answer.headers.get('x-request-id')}.`);
  });
});
