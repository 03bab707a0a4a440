// The second port on a running server: health, metrics with a bound on their series, and traces; and what deploy/ makes of them.
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect } from 'chai';
import { HttpBrowser } from '../support/http-browser.ts';
import { atService, authorization, logIn, sentBack } from '../support/service.ts';
import { startPostgres, startRedis, type TestServer } from '../support/services.ts';
import { type RunningWorld, startWorld } from '../support/world.ts';
import { type OtlpReceiver, startOtlpReceiver } from './otlp-receiver.ts';

interface Ready {
  checks: { [name: string]: { ok: boolean; why?: string; at?: string } };
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 6000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`it was not so in time: ${what}`);
    await wait(50);
  }
}

describe('the second port', function () {
  this.timeout(180_000);
  let world: RunningWorld;
  let receiver: OtlpReceiver;
  let postgres: TestServer;
  let redis: TestServer;

  before(async () => {
    [receiver, postgres, redis] = await Promise.all([startOtlpReceiver(), startPostgres(), startRedis()]);
    world = await startWorld({
      watched: true,
      people: [],
      environment: {
        DATABASE_URL: postgres.url,
        REDIS_URL: redis.url,
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
        OTEL_BSP_SCHEDULE_DELAY: '100',
      },
    });
    await world.addPerson('ada');
  });
  after(async () => {
    await world?.close();
    await Promise.all([receiver?.close(), postgres?.close(), redis?.close()]);
  });

  const node = () => {
    const [first] = world.nodes;
    if (!first) throw new Error('no node');
    return first;
  };
  const ask = (path: string, init?: RequestInit) => fetch(node().watch + path, init);
  const ready = async () => {
    const answer = await ask('/health/ready');
    const { checks } = (await answer.json()) as Ready;
    return { status: answer.status, checks };
  };
  const metrics = async () => (await ask('/metrics')).text();
  const sample = (text: string, series: string) =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${series} `))
        ?.slice(series.length + 1) ?? Number.NaN,
    );

  const reloads = (text: string) => sample(text, 'countersign_configuration_loads_total{outcome="loaded"}');

  async function signIn(password?: string): Promise<URLSearchParams | undefined> {
    const browser = new HttpBrowser();
    const page = await browser.visit(authorization(world.issuer).url, atService);
    const answer = await logIn(browser, page, 'ada', password);
    return password === undefined ? sentBack(answer) : undefined;
  }

  it('says that it lives, has started and is ready, with each check by its name', async () => {
    expect((await ask('/health/live')).status).to.equal(200);
    expect((await ask('/health/started')).status).to.equal(200);
    const { status, checks } = await ready();
    expect(status).to.equal(200);
    expect(Object.keys(checks)).to.have.members([
      'started',
      'database',
      'migrations',
      'state',
      'signing_keys',
      'read_only',
      'configuration',
      'configurations',
      'stored_secrets',
      'draining',
    ]);
    for (const [name, { ok }] of Object.entries(checks)) expect(ok, name).to.equal(true);
  });

  it('serves nothing else, and is not on the port that everybody uses', async () => {
    expect((await ask('/account')).status).to.equal(404);
    expect((await ask('/metrics', { method: 'POST' })).status).to.equal(405);
    for (const path of ['/metrics', '/health/ready'])
      expect((await fetch(world.issuer + path)).status, path).to.equal(404);
  });

  it('counts requests by the pattern of their path, and events by service', async () => {
    expect((await signIn())?.get('code')).to.be.a('string');
    await signIn('this is not the password');
    // An event counts when it is written, and the audit writes some of them together.
    const reached = 'idp_client_events_total{client_id="payroll",event="authn_level_reached"}';
    let text = await metrics();
    for (const end = Date.now() + 5000; Number.isNaN(sample(text, reached)) && Date.now() < end; ) {
      await wait(50);
      text = await metrics();
    }
    const login =
      'http_server_request_duration_seconds_count{http_request_method="POST",http_route="/interaction/:uid/login",http_response_status_code="303"}';
    expect(sample(text, login), text.slice(0, 3000)).to.be.at.least(1);
    expect(sample(text, 'idp_user_events_total{event="authn_login_success",error=""}')).to.equal(1);
    expect(sample(text, 'idp_user_events_total{event="authn_login_fail",error="wrong"}')).to.equal(1);
    expect(sample(text, reached)).to.equal(1);
    expect(text).to.match(
      /db_client_operation_duration_seconds_count\{db_operation_name="select",error="false"\} [1-9]/,
    );
    expect(sample(text, 'countersign_ready')).to.equal(1);
    expect(text).to.match(/signing_key_age_seconds\{alg="ES256"\} \d/);
  });

  it('keeps its series bounded whatever a stranger asks, and names no person', async () => {
    const strange = Array.from({ length: 200 }, (_none, at) => `/${at}/x${at}?q=${at}`);
    for (let at = 0; at < strange.length; at += 50)
      await Promise.all(
        strange
          .slice(at, at + 50)
          .flatMap((path) => [
            fetch(world.issuer + path, { method: at % 100 === 0 ? 'PROPFIND' : 'PUT' }),
            fetch(`${world.issuer}/interaction/uid${path.slice(1, 4)}/login`),
            fetch(`${world.issuer}/auth?client_id=made-up-${path.slice(1, 4)}`),
          ]),
      );
    const text = await metrics();
    const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(series.length).to.be.greaterThan(100).and.lessThan(2000);
    expect(text).to.not.contain('made-up').and.not.contain('/199').and.not.contain('ada@');
    const { stdout } = await world.cli(['user', 'list', '--json']);
    const [person] = JSON.parse(stdout) as { id: string }[];
    expect(text).to.not.contain(person?.id ?? 'nobody');
  });

  it('exports every metric that the rules and the dashboard name, and promtool accepts both', async () => {
    const folder = join('deploy', 'prometheus');
    execFileSync('promtool', ['check', 'rules', join(folder, 'rules.yaml')], { stdio: 'pipe' });
    execFileSync('promtool', ['test', 'rules', join(folder, 'rules.test.yaml')], { stdio: 'pipe' });
    execFileSync('promtool', ['check', 'config', join(folder, 'scrape.yaml')], { stdio: 'pipe' });
    const text = await metrics();
    execFileSync('promtool', ['check', 'metrics'], { input: text, stdio: 'pipe' });
    const exported = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
    const rules = readFileSync(join(folder, 'rules.yaml'), 'utf8');
    const dashboard = readFileSync(join('deploy', 'grafana', 'countersign.json'), 'utf8');
    interface Panels {
      panels: { targets: { expr: string }[] }[];
    }
    const expressions = [
      ...(JSON.parse(dashboard) as Panels).panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
      ...[...rules.matchAll(/expr: (?:\|\n)?((?:.|\n(?= {10}))+)/g)].map(([, expr]) => expr ?? ''),
    ];
    const named = expressions
      .flatMap((expr) => [
        ...expr.replaceAll(/"[^"]*"|by \([^)]*\)|\{[^}]*\}/g, '').matchAll(/[a-z][a-z0-9]*(?:_[a-z0-9]+)+/g),
      ])
      .map(([name]) => name)
      .filter((name) => name !== 'histogram_quantile' && !/^(latency|p99)/.test(name));
    expect(new Set(named).size).to.be.greaterThan(15);
    const missing = named.filter(
      (name) => !exported.has(name) && !exported.has(name.replace(/_(bucket|count|sum)$/, '')),
    );
    expect(missing.filter((name) => !name.startsWith('p99_'))).to.deep.equal([]);
  });

  it('tells of a refused configuration in readiness, metrics and log, and goes on with the old one', async () => {
    const file = join(node().folder, 'limits.yaml');
    writeFileSync(file, 'no_such_limit: true\n');
    node().hangUp();
    await until('refused', async () => !(await ready()).checks['configuration']?.ok);
    const { status, checks } = await ready();
    expect(status).to.equal(200);
    expect(checks['configuration']?.why).to.contain('limits.yaml').and.contain('no_such_limit');
    expect(sample(await metrics(), 'countersign_configuration_refused')).to.equal(1);
    await until('the log', async () => node().output().includes('configuration refused'));
    expect((await signIn())?.get('code')).to.be.a('string');
    rmSync(file);
    node().hangUp();
    await until('taken', async () => (await ready()).checks['configuration']?.ok === true);
    const text = await metrics();
    expect(sample(text, 'countersign_configuration_refused')).to.equal(0);
    expect(sample(text, 'countersign_configuration_loads_total{outcome="refused"}')).to.equal(1);
  });

  it('takes another level of the log over, and tells of it by the one that tells more', async () => {
    const file = join(node().folder, 'server.yaml');
    const before = readFileSync(file, 'utf8');
    const change = async (level: string) => {
      const from = node().output().length;
      writeFileSync(file, `${before.replace(/^log_level:.*$/m, '')}\nlog_level: ${level}\n`);
      node().hangUp();
      await until(`${level} told`, async () => /"key":"server.logLevel"/.test(node().output().slice(from)));
      expect(node().output().slice(from)).to.contain('"needsRestart":[]');
    };
    const asked = async () => {
      const from = node().output().length;
      await fetch(`${world.issuer}/help`);
      await wait(300);
      return /"path":"\/help"/.test(node().output().slice(from));
    };
    await change('error');
    expect(await asked()).to.equal(false);
    await change('info');
    expect(await asked()).to.equal(true);
  });

  it('is not ready while a store is away, still lives, and is ready again', async () => {
    for (const [name, server] of [
      ['database', postgres],
      ['state', redis],
    ] as const) {
      const before = reloads(await metrics());
      await server.stop();
      await until(`${name} away`, async () => (await ready()).status === 503);
      const { checks } = await ready();
      expect(checks[name]?.ok).to.equal(false);
      expect((await ask('/health/live')).status).to.equal(200);
      expect(sample(await metrics(), 'countersign_ready')).to.equal(0);
      // A reload that cannot be written to the audit is done all the same, and ends nobody.
      node().hangUp();
      await until('the reload', async () => reloads(await metrics()) > before);
      await server.start();
      await until(`${name} back`, async () => (await ready()).status === 200);
    }
  });

  it('sends traces: one span a request below the caller, its statements below it, and the log names the trace', async () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    await fetch(`${world.issuer}/recover?secret=never-in-a-trace`, {
      headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
    });
    expect((await signIn())?.get('code')).to.be.a('string');
    const found = () => receiver.spans().find((span) => span.traceId === traceId);
    await until('the span', async () => found() !== undefined);
    const span = found();
    expect(span?.name).to.equal('GET /recover');
    expect(span?.parentSpanId).to.equal('00f067aa0ba902b7');
    expect(node().output()).to.contain(`"trace":"${traceId}"`);
    const submit = () => receiver.spans().find((one) => one.name === 'POST /interaction/:uid/login');
    await until('the sign-in', async () => submit() !== undefined);
    const below = receiver.spans().filter((one) => one.parentSpanId === submit()?.spanId);
    expect(below.map(({ name }) => name)).to.include('SELECT');
    expect(receiver.text()).to.not.contain('never-in-a-trace').and.not.contain('a long enough pass phrase');
  });

  it('tells how full the in-process state is, where that is the state', async () => {
    const gauge = 'countersign_embedded_state_fill_ratio';
    expect(await metrics()).to.not.match(new RegExp(`^${gauge} `, 'm'));
    const own = await startWorld({ watched: true, people: [], backend: 'embedded' });
    try {
      const fill = async () => sample(await (await fetch(`${own.nodes[0]?.watch}/metrics`)).text(), gauge);
      const before = await fill();
      expect(before).to.be.within(0, 0.01);
      await new HttpBrowser().request(authorization(own.issuer, { login_hint: 'x'.repeat(4000) }).url);
      expect(await fill()).to.be.above(before);
    } finally {
      await own.close();
    }
  });
});
