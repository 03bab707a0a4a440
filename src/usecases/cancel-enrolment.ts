// Ends offers to add a phone: the person cancels, starts another, or signs out.
import type { Enrolment } from '../domain/enrolment.ts';
import type { World } from '../domain/ports.ts';
import { sameBytes } from '../platform/hashes.ts';

const OPEN = ['shown', 'scanned', 'confirm'] as const;

/** The enrolment of this very session; undefined where there is none, which is also the answer for another session's. */
export async function sessionEnrolment(
  world: Pick<World, 'enrolments'>,
  { enrolmentId, session }: { enrolmentId: string; session: string },
): Promise<Enrolment | undefined> {
  const enrolment = await world.enrolments.find(enrolmentId);
  return enrolment && sameBytes(enrolment.session, session) ? enrolment : undefined;
}

/** Cancels an enrolment of this session; true where this call ended it. */
export async function cancelEnrolment(
  world: Pick<World, 'enrolments' | 'records'>,
  of: { enrolmentId: string; session: string },
): Promise<boolean> {
  const enrolment = await sessionEnrolment(world, of);
  if (!enrolment) return false;
  const move = await world.enrolments.move(enrolment.id, OPEN, 'cancelled');
  if (!move.ok) return false;
  await world.records.audit.record({ event: 'enrolment_cancelled', outcome: 'success', sub: enrolment.userId });
  return true;
}

/** Ends what a person (or only one session of theirs) has open. To be called at sign-out too: an offer lives no longer than its session. */
export async function endOpenEnrolments(
  world: Pick<World, 'enrolments'>,
  { userId, session }: { userId: string; session?: string },
): Promise<void> {
  for (const enrolment of await world.enrolments.openOf(userId)) {
    if (session === undefined || enrolment.session === session)
      await world.enrolments.move(enrolment.id, OPEN, 'cancelled');
  }
}
