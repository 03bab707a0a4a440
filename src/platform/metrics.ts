// What is counted and measured, as one table. Every label has a fixed or bounded set of values: no person, no phone, no path of a caller's making.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Buckets of OpenTelemetry's `http.server.request.duration`, seconds. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
/** A person's answer takes longer. */
const ANSWER_SECONDS = [1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600];
const OTHER = 'other';

/**
 * Lets the first `most` values of a label through and calls all later ones `other`, so that nobody can fill the memory with series.
 */
export function bounded(most: number): (value: string | undefined) => string {
  const known = new Set<string>();
  return (value) => {
    if (value === undefined || value === '') return '';
    if (known.has(value)) return value;
    if (known.size >= most) return OTHER;
    known.add(value);
    return value;
  };
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const STATEMENTS = new Set(['select', 'insert', 'update', 'delete', 'with', 'begin', 'commit', 'rollback']);

/** Everything that a node tells of itself. */
export interface Metrics {
  /** One answered request. @param route the pattern of the path, never the path. */
  request(seen: { method: string; route: string; status: number; seconds: number }): void;
  /** One statement on the database. @param statement its text: only its first word is kept. */
  statement(statement: string, seconds: number, failed: boolean): void;
  /** One event that was written to the audit. */
  event(seen: { event: string; error?: string | undefined; clientId?: string | undefined }): void;
  secondFactor(seen: { type: string; success: boolean; banned: boolean }): void;
  challenge(state: string, ageSeconds?: number): void;
  rateLimited(rule: string): void;
  authenticatorDisabled(type: string): void;
  auditDropped(): void;
  configuration(outcome: 'loaded' | 'refused', at: number): void;
  /** Asked at each reading. */
  gauge(name: GaugeName, read: () => number | Readings | Promise<number | Readings>): void;
  /** The text exposition format of Prometheus. */
  text(): Promise<string>;
  readonly contentType: string;
}

/** Values of one gauge by its label. */
export type Readings = { readonly [label: string]: number };

/** Gauges that are read from their owners: what they say, and their label. */
const GAUGES = {
  db_client_connections: ['Connections to the database by state: used, idle.', 'state'],
  db_client_connection_pending_requests: ['Statements that wait for a connection to the database.'],
  outbox_lag_seconds: ['How long the oldest letter has waited for its mail server.'],
  signing_key_age_seconds: ['Age of the signing key in use, by algorithm.', 'alg'],
  countersign_embedded_state_fill_ratio: [
    'How full the in-process state is; at 1 nothing new is taken. No value where the state is Redis.',
  ],
  countersign_ready: ['1 where this node takes requests: what /health/ready says.'],
  countersign_configurations: ['Different configurations in force over all nodes: more than 1 should not last.'],
  countersign_read_only: ['1 while nothing that lasts is written, by read_only in notices.yaml.'],
  countersign_configuration_refused: ['1 while the newest configuration is refused and the one before is in force.'],
} as const satisfies { readonly [name: string]: readonly [help: string, label?: string] };

/** One of the gauges. */
export type GaugeName = keyof typeof GAUGES;

/** Metrics of one node, in a registry of their own. */
export function createMetrics(): Metrics {
  const register = new Registry();
  const registers = [register];
  const requests = new Histogram({
    name: 'http_server_request_duration_seconds',
    help: 'How long requests took, by the pattern of their path.',
    labelNames: ['http_request_method', 'http_route', 'http_response_status_code'],
    buckets: SECONDS,
    registers,
  });
  const statements = new Histogram({
    name: 'db_client_operation_duration_seconds',
    help: 'How long statements on the database took, with the wait for a connection.',
    labelNames: ['db_operation_name', 'error'],
    buckets: SECONDS,
    registers,
  });
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[] = []) =>
    new Counter({ name, help, labelNames, registers });
  const events = counter('idp_user_events_total', 'Audit events, by what came of them.', ['event', 'error']);
  const byClient = counter('idp_client_events_total', 'Audit events of sign-ins, by service.', ['client_id', 'event']);
  const second = counter('authn_second_factor_total', 'Second factors tried; banned: the factor was locked by it.', [
    'type',
    'success',
    'banned',
  ]);
  const challenges = counter('mfa_challenge_total', 'Sign-in requests to phones, by each state they came to.', [
    'state',
  ]);
  const ages = new Histogram({
    name: 'mfa_challenge_age_seconds',
    help: 'How old a sign-in request to a phone was at its answer.',
    buckets: ANSWER_SECONDS,
    registers,
  });
  const limited = counter('rate_limited_total', 'Refusals by a limit of limits.yaml.', ['rule']);
  const disabled = counter('authenticator_disabled_total', 'Phones locked by wrong PINs or as copies.', ['type']);
  const dropped = counter('audit_dropped_total', 'Audit events that could not be written.');
  const reloads = counter('countersign_configuration_loads_total', 'Configurations read, by outcome.', ['outcome']);
  const loaded = new Gauge({
    name: 'countersign_configuration_last_load_seconds',
    help: 'When a configuration was last read, by outcome (Unix time).',
    labelNames: ['outcome'],
    registers,
  });
  const gauges = new Map<GaugeName, () => unknown>();
  for (const [name, [help, label]] of Object.entries(GAUGES) as [GaugeName, readonly [string, string?]][])
    readGauge(register, name, help, label, () => gauges.get(name)?.());
  ofProcess(register);
  dropped.inc(0);
  for (const outcome of ['loaded', 'refused']) reloads.inc({ outcome }, 0);

  // Refused requests are counted apart: whoever tries many of them takes no place from the others.
  const answers = { good: bounded(70), refused: bounded(30) };
  const error = bounded(40);
  const client = bounded(50);
  return {
    contentType: register.contentType,
    text: () => register.metrics(),
    request: ({ method, route, status, seconds }) => {
      const named = METHODS.has(method) ? method : OTHER;
      const place = status < 400 ? answers.good : answers.refused;
      const known = place(`${named} ${route} ${status}`) !== OTHER;
      requests.observe(
        {
          http_request_method: known ? named : OTHER,
          http_route: known ? route : OTHER,
          http_response_status_code: String(status),
        },
        seconds,
      );
    },
    statement: (text, seconds, failed) => {
      const [word = ''] = /[a-z]+/i.exec(text) ?? [];
      const name = word.toLowerCase();
      statements.observe({ db_operation_name: STATEMENTS.has(name) ? name : OTHER, error: String(failed) }, seconds);
    },
    event: (seen) => {
      events.inc({ event: seen.event, error: error(seen.error) });
      if (seen.clientId !== undefined) byClient.inc({ client_id: client(seen.clientId), event: seen.event });
    },
    secondFactor: ({ type, success, banned }) => second.inc({ type, success: String(success), banned: String(banned) }),
    challenge: (state, age) => {
      challenges.inc({ state });
      if (age !== undefined) ages.observe(Math.max(0, age));
    },
    rateLimited: (rule) => limited.inc({ rule }),
    authenticatorDisabled: (type) => disabled.inc({ type }),
    auditDropped: () => dropped.inc(),
    configuration: (outcome, at) => {
      reloads.inc({ outcome });
      loaded.set({ outcome }, at / 1000);
    },
    gauge: (name, read) => void gauges.set(name, read),
  };
}

function readGauge(
  register: Registry,
  name: string,
  help: string,
  label: string | undefined,
  read: () => unknown,
): void {
  new Gauge({
    name,
    help,
    labelNames: label === undefined ? [] : [label],
    registers: [register],
    // A gauge whose owner does not answer has no value: a wrong one would be believed.
    async collect() {
      this.reset();
      const value = await Promise.resolve()
        .then(read)
        .catch(() => undefined);
      if (typeof value === 'number') this.set(value);
      else if (label === undefined) this.remove();
      else for (const [of, each] of Object.entries((value ?? {}) as Readings)) this.set({ [label]: of }, each);
    },
  });
}

/** The process: memory, processor, and how late the event loop is (names of OpenTelemetry's Node.js conventions). */
function ofProcess(register: Registry): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [register],
      collect() {
        this.set(read());
      },
    });
  gauge('process_resident_memory_bytes', 'Memory of this process.', () => process.memoryUsage.rss());
  gauge('nodejs_heap_size_used_bytes', 'Memory of its JavaScript objects.', () => process.memoryUsage().heapUsed);
  gauge('process_start_time_seconds', 'When this process was started (Unix time).', () =>
    Math.round(Date.now() / 1000 - process.uptime()),
  );
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Processor time of this process.',
    registers: [register],
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  const seconds = (nanoseconds: number) => (Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds) / 1e9 : 0);
  gauge('nodejs_eventloop_delay_p50_seconds', 'Delay of the event loop since the last reading, median.', () =>
    seconds(delay.percentile(50)),
  );
  gauge('nodejs_eventloop_delay_p99_seconds', 'Delay of the event loop since the last reading, 99th percentile.', () =>
    seconds(delay.percentile(99)),
  );
  // Read last, as its reading starts the next round.
  gauge('nodejs_eventloop_delay_max_seconds', 'Delay of the event loop since the last reading, the longest.', () => {
    const longest = seconds(delay.max);
    delay.reset();
    return longest;
  });
}
