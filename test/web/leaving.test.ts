// The way out of the server: who has connected, or asked on a kept connection, before it takes no more is still answered.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { listen } from '../../src/app/server.ts';

/** Posts when it is told to, from a thread of its own: ours stands still meanwhile. A kept connection had an answer before. Answers the status, or what went wrong. */
const POSTING = `
  const { workerData, parentPort } = require('node:worker_threads');
  const { connect } = require('node:net');
  const { port, kept, flag } = workerData;
  const post = 'POST / HTTP/1.1\\r\\nHost: localhost\\r\\nContent-Length: 2\\r\\n\\r\\nhi';
  let socket;
  let heard = '';
  let told = false;
  const tell = (what) => { if (!told) { told = true; parentPort.postMessage(what); } };
  const open = (then) => {
    socket = connect(port, '127.0.0.1', () => socket.write(post));
    socket.on('data', (chunk) => {
      heard += chunk;
      if (!heard.endsWith('done')) return;
      if (then) { const next = then; then = undefined; heard = ''; next(); }
      else tell(heard.split(' ')[1]);
    });
    socket.on('error', (error) => tell(error.code));
    socket.on('close', () => tell('closed'));
  };
  const go = () => {
    parentPort.postMessage('ready');
    Atomics.wait(flag, 0, 0);
    if (kept) socket.write(post); else open();
  };
  if (kept) open(go); else go();
`;

describe('leaving', () => {
  for (const kept of [false, true])
    it(`answers a POST ${kept ? 'on a kept connection' : 'of a new connection'} that came while everything stood still`, async () => {
      const server = await listen({ host: '127.0.0.1', port: 0 }, (request, response) => {
        request.resume().on('end', () => response.end('done'));
      });
      const flag = new Int32Array(new SharedArrayBuffer(8));
      const worker = new Worker(POSTING, { eval: true, workerData: { port: server.port, kept, flag } });
      try {
        await once(worker, 'message');
        Atomics.store(flag, 0, 1);
        Atomics.notify(flag, 0);
        // The system takes the connection and the request; we have seen neither when we begin to leave.
        Atomics.wait(flag, 1, 0, 300);
        const answer = once(worker, 'message');
        await server.drain(2000);
        expect((await answer)[0]).to.equal('200');
      } finally {
        await worker.terminate();
      }
    });
});
