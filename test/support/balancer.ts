// The one address before several nodes, as a proxy in production is: a test says which node answers what, and a node that is gone is passed over.
import { Agent, createServer, request } from 'node:http';

/** Listens on the issuer's port. */
export interface Balancer {
  /** Which node answers a path, by its place in the list. */
  route(choose: (path: string) => number): void;
  close(): Promise<void>;
}

/**
 * Starts it.
 * @param port the issuer's.
 * @param ports those of the nodes.
 * @param keepAlive connections to the nodes stay open, and only a node that refuses one is passed over: any other failure is the browser's.
 */
export async function startBalancer(port: number, ports: readonly number[], keepAlive = false): Promise<Balancer> {
  const agent = keepAlive && new Agent({ keepAlive: true });
  let choose = (_path: string): number => 0;
  const server = createServer((asked, answer) => {
    const chunks: Buffer[] = [];
    asked.on('data', (chunk: Buffer) => chunks.push(chunk));
    asked.once('end', () => {
      const first = choose(asked.url ?? '/');
      const order = [first, ...ports.keys()].filter((place, at, all) => all.indexOf(place) === at);
      const pass = (): void => {
        const next = order.shift();
        if (next === undefined) return void answer.writeHead(502).end();
        const { method, url, headers } = asked;
        const onward = request({ host: '127.0.0.1', port: ports[next], method, path: url, headers, agent });
        onward.once('response', (came) => {
          answer.writeHead(came.statusCode ?? 502, came.rawHeaders);
          came.pipe(answer);
          // A node that dies in the middle of an answer: the browser sees the line break.
          came.once('error', () => answer.destroy());
          came.once('aborted', () => answer.destroy());
        });
        onward.once('error', (error: NodeJS.ErrnoException) => {
          if (answer.headersSent) answer.destroy();
          else if (keepAlive && error.code !== 'ECONNREFUSED') answer.writeHead(502).end(error.code);
          else pass();
        });
        answer.once('close', () => onward.destroy());
        onward.end(Buffer.concat(chunks));
      };
      pass();
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    route: (chosen) => {
      choose = chosen;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        if (agent) agent.destroy();
      }),
  };
}
