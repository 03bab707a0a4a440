// Server-sent events on a Koa answer: a page waits for its phone without asking again and again.
import type { Context } from 'koa';

/** An open stream of events. */
export interface EventStream {
  /** Sends one event; `data` is written as JSON. Nothing happens on a closed stream. */
  send(event: string, data: unknown): void;
  close(): void;
  readonly closed: boolean;
  /** Called once, when either side ends the stream; at once where it has ended. */
  onClose(listener: () => void): void;
}

/**
 * Turns the answer into an event stream; Koa keeps its hands off from here (`ctx.respond = false`).
 * @param options.heartbeat seconds between comments that keep proxies from closing a quiet stream.
 * @param options.longest seconds after which the stream ends by itself; the browser's EventSource connects again.
 */
export function openEvents(ctx: Context, options: { heartbeat?: number; longest?: number } = {}): EventStream {
  const listeners: (() => void)[] = [];
  let closed = false;
  ctx.respond = false;
  const { res } = ctx;
  res.statusCode = 200;
  res.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
  res.setHeader('Cache-Control', 'no-store, no-transform');
  // nginx buffers answers unless it is told not to.
  res.setHeader('X-Accel-Buffering', 'no');
  res.flushHeaders();
  res.write('retry: 1000\n\n');
  const beat = setInterval(() => res.write(': beat\n\n'), (options.heartbeat ?? 15) * 1000);
  const end = setTimeout(() => close(), (options.longest ?? 600) * 1000);
  beat.unref();
  end.unref();

  function close(): void {
    if (closed) return;
    closed = true;
    clearInterval(beat);
    clearTimeout(end);
    res.end();
    for (const listener of listeners) listener();
  }

  res.on('close', close);
  res.on('error', close);
  return {
    send: (event, data) => {
      if (!closed) res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    },
    close,
    get closed() {
      return closed;
    },
    onClose: (listener) => {
      if (closed) listener();
      else listeners.push(listener);
    },
  };
}
