// A small SMTP server on loopback (RFC 5321, no more than a sender needs): it keeps what it was given, as bytes came over the wire.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** A mail as it came in. `lines` are those between DATA and the final dot, dot-stuffing undone. */
export interface Received {
  from: string;
  to: string[];
  lines: string[];
}

/** A listening server. */
export interface SmtpListener {
  url: string;
  received: Received[];
  /** How many connections have come. */
  connections(): number;
  /** Answers so many mails with 451 (try again later), after their text. */
  refuseNext(times: number): void;
  /** Says nothing at all to new connections. */
  silence(): void;
  close(): Promise<void>;
}

/** Starts one on a free port. */
export async function startSmtpListener(): Promise<SmtpListener> {
  const received: Received[] = [];
  let connections = 0;
  let refusing = 0;
  let silent = false;
  const open = new Set<Socket>();

  const server: Server = createServer((socket) => {
    connections += 1;
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => socket.destroy());
    if (silent) return;
    const say = (line: string) => socket.write(`${line}\r\n`);
    let mail: Received = { from: '', to: [], lines: [] };
    let reading = false;
    say('220 localhost ready');
    const text = (line: string) => {
      if (line !== '.') return mail.lines.push(line.replace(/^\.\./, '.'));
      reading = false;
      if (refusing > 0) {
        refusing -= 1;
        return say('451 try again later');
      }
      received.push(mail);
      return say('250 taken');
    };
    const command = (line: string) => {
      const verb = line.slice(0, 4).toUpperCase();
      if (verb === 'EHLO' || verb === 'HELO') return say('250 localhost');
      if (verb === 'MAIL') mail = { from: line, to: [], lines: [] };
      if (verb === 'RCPT') mail.to.push(/<([^>]*)>/.exec(line)?.[1] ?? line);
      if (verb === 'DATA') {
        reading = true;
        return say('354 go on');
      }
      if (verb === 'QUIT') return socket.end('221 bye\r\n');
      return say('250 ok');
    };
    createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (line) =>
      reading ? text(line) : command(line),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    connections: () => connections,
    refuseNext: (times) => {
      refusing = times;
    },
    silence: () => {
      silent = true;
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
