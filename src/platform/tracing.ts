// OpenTelemetry traces, switched on by the environment of its specification (OTEL_*). Without it nothing of it is loaded.
// A span holds patterns of paths, words of statements and status codes: never an address, a name, a query string or a value.
import { type Context, context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';

/** The environment, as OpenTelemetry names it. */
export type TraceEnvironment = { readonly [name: string]: string | undefined };

/** Traces of this process. */
export interface Tracing {
  /** Runs one request in a span of its own, below the caller's where its `traceparent` names one. @param end what the answer was. */
  request<T>(
    headers: { readonly [name: string]: string | string[] | undefined },
    work: () => Promise<T>,
    end: () => { method: string; route: string; status: number; id: string },
  ): Promise<T>;
  /** A statement that has just ended, below the request that asked for it. */
  statement(statement: string, seconds: number, failed: boolean): void;
  /** The trace that the running code belongs to. */
  traceId(): string | undefined;
  /** Sends what waits. */
  close(): Promise<void>;
}

const set = (value: string | undefined) => value !== undefined && value !== '';

/** Whether the environment asks for traces: an OTLP endpoint, or the exporter by name; OTEL_SDK_DISABLED and the exporter "none" win. */
export function wantsTraces(environment: TraceEnvironment): boolean {
  if (environment['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return false;
  const exporter = environment['OTEL_TRACES_EXPORTER'];
  if (set(exporter)) return exporter === 'otlp';
  return set(environment['OTEL_EXPORTER_OTLP_ENDPOINT']) || set(environment['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']);
}

/**
 * Starts tracing where the environment asks for it. The exporter (OTLP over HTTP), the sampler and the batches are set by the
 * variables of OpenTelemetry's specification; OTEL_SERVICE_NAME names this node, `countersign` where it is missing.
 */
export async function startTracing(environment: TraceEnvironment): Promise<Tracing | undefined> {
  if (!wantsTraces(environment)) return undefined;
  const [{ NodeTracerProvider, BatchSpanProcessor }, { OTLPTraceExporter }, resources] = await Promise.all([
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  const named = resources.resourceFromAttributes({ 'service.name': environment['OTEL_SERVICE_NAME'] || 'countersign' });
  const provider = new NodeTracerProvider({
    resource: resources.defaultResource().merge(named),
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())],
  });
  provider.register();
  const tracer = provider.getTracer('countersign');
  return {
    async request(headers, work, end) {
      const parent: Context = propagation.extract(context.active(), headers);
      const span = tracer.startSpan('request', { kind: SpanKind.SERVER }, parent);
      try {
        return await context.with(trace.setSpan(parent, span), work);
      } finally {
        const { method, route, status, id } = end();
        span.updateName(`${method} ${route}`);
        span.setAttributes({
          'http.request.method': method,
          'http.route': route,
          'http.response.status_code': status,
          'countersign.request_id': id,
        });
        if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
      }
    },
    statement(statement, seconds, failed) {
      if (!trace.getActiveSpan()) return;
      const [word = 'statement'] = /[a-z]+/i.exec(statement) ?? [];
      const span = tracer.startSpan(word.toUpperCase(), {
        kind: SpanKind.CLIENT,
        startTime: new Date(Date.now() - seconds * 1000),
        // The text has `?` in place of every value.
        attributes: { 'db.system.name': 'postgresql', 'db.query.text': statement.replaceAll(/\s+/g, ' ').trim() },
      });
      if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    },
    traceId: () => trace.getActiveSpan()?.spanContext().traceId,
    close: () => provider.shutdown(),
  };
}
