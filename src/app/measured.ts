// What the house does, told to the metrics: events of the audit, and the ports whose answers are counted.
import type { AuditEvent } from '../domain/audit.ts';
import type { Limits, Transactions } from '../domain/ports.ts';
import type { Metrics } from '../platform/metrics.ts';

/** A second factor that was tried, by the event that tells of it. */
const SECOND_FACTORS: {
  readonly [event in AuditEvent['event']]?: { type: string; success: boolean; banned: boolean };
} = {
  transaction_approved: { type: 'phone', success: true, banned: false },
  transaction_failed: { type: 'phone', success: false, banned: false },
  device_locked: { type: 'phone', success: false, banned: true },
  second_proof_passed: { type: 'mail_code', success: true, banned: false },
  second_proof_failed: { type: 'mail_code', success: false, banned: false },
};

/** Counts an event of the audit. */
export function countEvent(metrics: Metrics, seen: AuditEvent): void {
  const { event, outcome, reason, clientId } = seen;
  metrics.event({ event, clientId, ...(outcome === 'failure' ? { error: reason ?? 'failure' } : {}) });
  const factor = SECOND_FACTORS[event];
  if (factor) metrics.secondFactor(factor);
  if (event === 'device_locked' || event === 'device_cloned') metrics.authenticatorDisabled('phone');
}

/** Limits whose refusals are counted. */
export function measuredLimits(limits: Limits, metrics: Metrics): Limits {
  return {
    ...limits,
    async take(rule, key) {
      const verdict = await limits.take(rule, key);
      if (!verdict.ok) metrics.rateLimited(rule);
      return verdict;
    },
  };
}

/** Sign-in requests to phones, counted by state, with their age at the answer. */
export function measuredTransactions(transactions: Transactions, metrics: Metrics): Transactions {
  return {
    ...transactions,
    async open(...asked) {
      const opened = await transactions.open(...asked);
      metrics.challenge('pending');
      return opened;
    },
    async answer(id, to, by) {
      const move = await transactions.answer(id, to, by);
      if (move.ok) metrics.challenge(to, ((await transactions.now()) - move.now.startedAt) / 1000);
      return move;
    },
    async consume(...asked) {
      const move = await transactions.consume(...asked);
      if (move.ok) metrics.challenge('consumed');
      return move;
    },
  };
}
