// A line between two programs that can fall silent: connections stay open and carry nothing, as behind a network that swallows packets.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A line to a server. */
export interface SilentLine {
  /** The server's address by this line. */
  url: string;
  /** From now on nothing goes over the connections that are open; new ones work. */
  silence(): void;
  close(): Promise<void>;
}

/** Lays a line to the server of a URL. @param at where it begins; a free port where it is missing. */
export async function layLine(to: string, at = 0): Promise<SilentLine> {
  const target = new URL(to);
  const end = { port: Number(target.port), host: target.hostname };
  const open = new Set<{ sockets: [Socket, Socket]; silent: boolean }>();
  const server = createServer((near) => {
    const far = connect(end);
    const pair: { sockets: [Socket, Socket]; silent: boolean } = { sockets: [near, far], silent: false };
    open.add(pair);
    const carry = (from: Socket, into: Socket) => {
      from.on('data', (bytes) => {
        if (!pair.silent) into.write(bytes);
      });
      from.on('error', () => from.destroy());
      from.on('close', () => {
        if (!pair.silent) into.destroy();
      });
    };
    carry(near, far);
    carry(far, near);
  });
  await new Promise<void>((resolve) => server.listen(at, '127.0.0.1', resolve));
  target.port = `${(server.address() as AddressInfo).port}`;
  return {
    url: target.href,
    silence: () => {
      for (const pair of open) pair.silent = true;
    },
    close: () =>
      new Promise((resolve) => {
        for (const { sockets } of open) for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
