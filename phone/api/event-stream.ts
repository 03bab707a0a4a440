// Reads server-sent events from a fetch body: EventSource can neither POST nor send our signed message.

/** One event. */
export interface ServerEvent {
  event: string;
  data: string;
}

/** Cuts a stream of text into events (HTML standard, section 9.2.6), whatever the pieces it arrives in. */
export function eventParser(emit: (event: ServerEvent) => void): (piece: string) => void {
  let rest = '';
  let event = '';
  let data: string[] = [];
  const line = (text: string) => {
    if (text === '') {
      if (data.length > 0) emit({ event: event || 'message', data: data.join('\n') });
      event = '';
      data = [];
      return;
    }
    const colon = text.indexOf(':');
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? '' : text.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') event = value;
    if (field === 'data') data.push(value);
  };
  return (piece) => {
    rest += piece;
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const text of lines) line(text);
  };
}

/**
 * Reads events until the stream ends.
 * @param onLife is called at every piece that arrives, comments included: the line is alive.
 */
export async function readEvents(
  body: ReadableStream<Uint8Array>,
  emit: (event: ServerEvent) => void,
  onLife: () => void,
): Promise<void> {
  const parse = eventParser(emit);
  const decoder = new TextDecoder();
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    onLife();
    parse(decoder.decode(value, { stream: true }));
  }
}
