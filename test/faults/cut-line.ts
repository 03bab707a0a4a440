// A line to a server that loses answers: what was asked arrives and is done, the answer does not come back, and the connection breaks (security page F13).
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A line to a server. */
export interface CutLine {
  /** The server's address by this line. */
  url: string;
  /** The next answer on each connection that is open is lost, and that connection with it. */
  cut(): void;
  /** How many answers were lost so far. */
  lost(): number;
  close(): Promise<void>;
}

/** Lays a line to the server of a URL. */
export async function layCutLine(to: string): Promise<CutLine> {
  const target = new URL(to);
  const end = { port: Number(target.port), host: target.hostname };
  const open = new Set<{ near: Socket; far: Socket; cuts: boolean }>();
  let lost = 0;
  const server = createServer((near) => {
    const far = connect(end);
    const pair = { near, far, cuts: false };
    open.add(pair);
    const gone = () => {
      open.delete(pair);
      near.destroy();
      far.destroy();
    };
    near.on('data', (bytes) => far.write(bytes));
    far.on('data', (bytes) => {
      if (!pair.cuts) return void near.write(bytes);
      lost += 1;
      gone();
    });
    for (const socket of [near, far]) socket.on('error', gone).on('close', gone);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  target.port = `${(server.address() as AddressInfo).port}`;
  return {
    url: target.href,
    cut: () => {
      for (const pair of open) pair.cuts = true;
    },
    lost: () => lost,
    close: () =>
      new Promise((resolve) => {
        for (const { near, far } of open) {
          near.destroy();
          far.destroy();
        }
        server.close(() => resolve());
      }),
  };
}
