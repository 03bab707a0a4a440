// What the audit records. Names follow the OWASP logging vocabulary where it has one.
import type { Method } from './assurance.ts';

/** Names of audit events: a closed list, so that metrics and searches can rely on it. */
export const AUDIT_EVENTS = [
  'authn_login_success',
  'authn_login_fail',
  'authn_login_fail_max',
  'authn_password_change',
  'authn_level_reached',
  'authn_level_refused',
  'authn_token_created',
  'authn_token_revoked',
  'authn_token_reuse',
  'session_created',
  'session_ended',
  'device_added',
  'device_renamed',
  'device_removed',
  'device_locked',
  'device_unlocked',
  'database_restored',
  'device_cloned',
  'biometric_added',
  'biometric_removed',
  'enrolment_started',
  'enrolment_contested',
  'enrolment_cancelled',
  'transaction_opened',
  'transaction_approved',
  'transaction_denied',
  'transaction_reported',
  'transaction_failed',
  'user_code_wrong',
  'second_proof_sent',
  'second_proof_passed',
  'second_proof_failed',
  'user_created',
  'user_updated',
  'user_groups_changed',
  'user_attributes_changed',
  'user_disabled',
  'user_enabled',
  'user_removed',
  'user_invited',
  'user_factor_reset',
  'excess_rate_limit_exceeded',
  'malicious_csrf',
  'sys_startup',
  'sys_shutdown',
  'sys_config_reloaded',
  'sys_config_refused',
  'sys_audit_pruned',
  'sys_key_added',
  'sys_key_retired',
] as const;

/** One of {@link AUDIT_EVENTS}. */
export type AuditName = (typeof AUDIT_EVENTS)[number];

/** Whose rule sets a minimum. */
export type MinimumFrom = 'client' | 'resource' | 'scope' | 'person';

/** Why a sign-in had to reach its level, and from what (docs/levels.md). Levels by name; ages in whole seconds. */
export interface LevelFacts {
  /** acr values of an essential `acr` claim. */
  essential: readonly string[];
  /** `acr_values`, a voluntary `acr` claim, or the client's `default_acr_values`. */
  voluntary: readonly string[];
  minimum: readonly { from: MinimumFrom; level: string }[];
  maxAge?: number;
  /** `prompt=login`: nothing that the session had counts. */
  anew: boolean;
  /** What the session had before this sign-in, by method, and the level that it counted for. */
  had: { level?: string; ages: { readonly [method in Method]?: number } };
  /** What was proven in this sign-in. */
  made: readonly Method[];
  /** Missing where no way reaches what the service insists on. */
  required?: string;
  reached?: string;
}

/** One event. Never holds a secret; session ids are hashed by the caller. */
export interface AuditEvent {
  event: AuditName;
  outcome: 'success' | 'failure';
  /** Why, as one of our refusal codes. */
  reason?: string;
  /** The person concerned. */
  sub?: string;
  /** Who did it, where that is another one: `cli`, `system`. */
  actor?: string;
  clientId?: string;
  ip?: string;
  userAgent?: string;
  factor?: string;
  acr?: string;
  amr?: readonly string[];
  /** Id of the HTTP request, as the log and the error pages tell it. */
  requestId?: string;
  levels?: LevelFacts;
  detail?: { readonly [name: string]: string | number | boolean };
}
