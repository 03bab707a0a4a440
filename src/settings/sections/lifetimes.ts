// lifetimes.yaml: how long everything lives.
import { z } from 'zod';
import type { LifetimeSettings } from '../settings.ts';
import { duration } from './pieces.ts';

export const lifetimesSchema = z
  .strictObject({
    session: z
      .strictObject({
        absolute: duration('5m', '30d')
          .prefault('12h')
          .describe('A session ends so long after the sign-in, whatever happens.'),
        idle: duration('1m', '30d')
          .optional()
          .describe('A session ends after so much time without use; without this key only by its absolute life.'),
      })
      .prefault({})
      .describe('The session of a browser with us.'),
    second_factor_idle: duration('1m', '24h')
      .prefault('1h')
      .describe('After so much time without use a second factor counts no longer.'),
    account_change: duration('1m', '1h')
      .prefault('5m')
      .describe('How old the highest proof may be when a person adds or removes a factor.'),
    interaction: duration('5m', '2h').prefault('1h').describe('How long a sign-in may take from its start to its end.'),
    code: duration('10s', '10m').prefault('60s').describe('How long an authorization code can be redeemed.'),
    access_token: duration('30s', '24h').prefault('5m').describe('How long an access token lives.'),
    id_token: duration('30s', '24h').prefault('5m').describe('How long an ID token lives.'),
    refresh_token: duration('1h', '365d')
      .prefault('30d')
      .describe('How long a refresh token lives with all its successors.'),
    refresh_grace: duration('0s', '1m')
      .prefault('10s')
      .describe(
        'For how long a refresh token that was used may be presented once more, by a service whose answer was lost on the way; "0s" for never.',
      ),
    audit: duration('30d', '3650d')
      .optional()
      .describe(
        'How long events stay in the audit; for ever where it is missing. What is deleted leaves a checkpoint, so that the rest can still be verified.',
      ),
    backchannel_request: duration('30s', '10m')
      .prefault('2m')
      .describe('How long a request to a phone without a browser (CIBA) waits where the service does not say it.'),
    poll_interval: duration('1s', '1m')
      .prefault('5s')
      .describe('How often a service may ask whether a person has answered (CIBA, device flow).'),
    enrolment: duration('1m', '10m').prefault('5m').describe('How long the QR code of a new phone can be scanned.'),
  })
  .describe('How long sessions, tokens and offers live.');

export type LifetimesFile = z.output<typeof lifetimesSchema>;

/** The lifetimes as the house reads them, in seconds. */
export function resolveLifetimes(file: LifetimesFile): LifetimeSettings {
  return {
    // What an hour of rest ends is the second factor, not the sign-in.
    session: { absolute: file.session.absolute, idle: file.session.idle ?? file.session.absolute },
    secondFactorIdle: file.second_factor_idle,
    accountChange: file.account_change,
    interaction: file.interaction,
    code: file.code,
    accessToken: file.access_token,
    idToken: file.id_token,
    refreshToken: file.refresh_token,
    refreshGrace: file.refresh_grace,
    backchannelRequest: file.backchannel_request,
    pollInterval: file.poll_interval,
    enrolment: file.enrolment,
    ...(file.audit === undefined ? {} : { audit: file.audit }),
  };
}
