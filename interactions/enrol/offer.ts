// The offer that a page shows: its link and typed code, sealed, so that a reload can show them again and the store alone cannot.
import type { Sealed } from '../../src/domain/device.ts';
import type { Enrolment } from '../../src/domain/enrolment.ts';
import type { World } from '../../src/domain/ports.ts';
import { utf8 } from '../../src/protocol/bytes.ts';
import { sessionEnrolment } from '../../src/usecases/cancel-enrolment.ts';

/** What the QR code and the typed way carry. */
export interface Offer {
  enrolmentId: string;
  link: string;
  code: string;
}

/** An offer longer than any enrolment lives, so that its end is shown too. In seconds. */
const KEPT = 1800;

const place = (session: string) => `enrol_offer:${session}`;
const aad = (session: string) => `enrol_offer|${session}`;

/** Keeps the offer of this session. */
export async function keepOffer(world: Pick<World, 'scratch' | 'vault'>, session: string, offer: Offer): Promise<void> {
  const sealed = world.vault.seal(utf8(JSON.stringify(offer)), aad(session));
  await world.scratch.set(place(session), JSON.stringify(sealed), KEPT);
}

/** The offer of this session with where it stands; undefined where there is none. */
export async function readOffer(
  world: Pick<World, 'scratch' | 'vault' | 'enrolments'>,
  session: string,
): Promise<{ offer: Offer; enrolment: Enrolment } | undefined> {
  const kept = await world.scratch.get(place(session));
  const opened = kept === undefined ? undefined : world.vault.open(JSON.parse(kept) as Sealed, aad(session));
  if (!opened) return undefined;
  const offer = JSON.parse(new TextDecoder().decode(opened)) as Offer;
  const enrolment = await sessionEnrolment(world, { enrolmentId: offer.enrolmentId, session });
  return enrolment && { offer, enrolment };
}

/** Forgets the offer: the next page begins again. */
export async function forgetOffer(world: Pick<World, 'scratch'>, session: string): Promise<void> {
  await world.scratch.delete(place(session));
}
