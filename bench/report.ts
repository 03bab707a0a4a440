// Prints what the bench found: a table a flow, round trips, memory and start, and the targets beside.
import type { Card } from './bench.ts';
import { FLOW_NAMES, type FlowName } from './flows.ts';
import type { Result } from './load.ts';

export const round = (value: number | undefined, digits = 1) =>
  value === undefined || Number.isNaN(value) ? '–' : value.toFixed(digits);

/** Operations per CPU-second of server, database and Redis together. */
export function perCpuSecond({ cpu }: Result): number {
  return 1000 / (cpu.server + cpu.postgres + cpu.redis);
}

export function table(rows: string[][]): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  for (const row of rows)
    console.log(
      `  ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ')}`,
    );
}

/** What each takes before and after load, and to start. */
export function memoryAndStart(cards: Pick<Card, 'name' | 'idleMemory' | 'loadedMemory' | 'coldStart'>[]): void {
  const facts = cards.map(({ name, idleMemory, loadedMemory, coldStart }) => [
    name,
    ...[idleMemory, loadedMemory, coldStart].map((figure) => round(figure, 0)),
  ]);
  table([['', 'idle MB', 'after load MB', 'cold start ms'], ...facts]);
}

/** @param cards the two controls, then ours. @param perHash CPU milliseconds of one argon2id alone. */
export function printReport(cards: Card[], perHash: number): void {
  const [memory, plain, own] = cards;
  if (!memory || !plain || !own) return;
  console.log(
    `\nCPU of one argon2id alone: ${round(perHash)} ms (at most ${round(1000 / perHash, 0)} hashes per CPU-second)\n`,
  );
  for (const name of FLOW_NAMES) printFlow(name, cards);
  console.log('Counted by Redis and PostgreSQL themselves, per flow, one after the other');
  const counted = [plain, own].flatMap((card) =>
    FLOW_NAMES.map((name) => {
      const counts = card.counts?.[name];
      return [`${card.name}: ${name}`, round(counts?.commands), round(counts?.reads), round(counts?.statements)];
    }),
  );
  table([['', 'Redis commands', 'Redis reads (round trips)', 'SQL statements'], ...counted]);
  console.log('\nMemory and start');
  memoryAndStart(cards);
  printTargets(plain, own);
}

function printFlow(name: FlowName, cards: Card[]): void {
  console.log(name);
  const rows = cards.flatMap((card) => {
    const result = card.results[name];
    if (!result) return [];
    const { cpu } = result;
    const figures = [result.perSecond, result.p50, result.p99, cpu.server, cpu.postgres, cpu.redis].map((value) =>
      round(value, 2),
    );
    const against = cards.slice(0, 2).map((other) => {
      const theirs = other.results[name];
      return theirs ? `${round(perCpuSecond(result) / perCpuSecond(theirs), 2)}×` : '–';
    });
    return [[card.name, ...figures, round(perCpuSecond(result), 0), ...against]];
  });
  const head = [
    '',
    'ops/s',
    'p50 ms',
    'p99 ms',
    'CPU ms server',
    'CPU ms PostgreSQL',
    'CPU ms Redis',
    'ops/CPU-s',
    'vs memory',
    'vs plain Redis',
  ];
  table([head, ...rows]);
  console.log('');
}

function printTargets(plain: Card, own: Card): void {
  const cpu = (card: Card, name: FlowName) => (card.results[name] ? perCpuSecond(card.results[name]) : Number.NaN);
  const reads = (name: FlowName) => own.counts?.[name]?.reads;
  console.log('\nTargets, and where we stand');
  table([
    ['', 'target', 'now'],
    [
      'authorize + token, against plain Redis',
      '≥ 1.30',
      round(cpu(own, 'authorize + token') / cpu(plain, 'authorize + token'), 2),
    ],
    ['whole password login per CPU-second', '≥ 50', round(cpu(own, 'password login'))],
    ['client_credentials (ES256) per CPU-second', '≥ 2400', round(cpu(own, 'client_credentials'), 0)],
    ['Redis round trips: authorize + token on a session', 'SSO ≤ 4 + code', round(reads('authorize + token'))],
    ['Redis round trips: first sign-in with its token', '≤ 23 + code', round(reads('password login'))],
    ['idle memory, MB', '≤ 110', round(own.idleMemory, 0)],
    ['cold start, ms', '≤ 700', round(own.coldStart, 0)],
  ]);
}
