// What the page that adds a phone hears: the state of the offer and the time that is left, nothing else.
import type { Context } from 'koa';
import { type Enrolment, enrolmentEnded } from '../../src/domain/enrolment.ts';
import type { World } from '../../src/domain/ports.ts';
import { Refusal } from '../../src/web/errors.ts';
import { openEvents } from '../../src/web/sse.ts';
import type { Heard } from '../approve/listen.ts';
import { readOffer } from './offer.ts';
import type { EnrolPlace } from './place.ts';

type Needs = Pick<World, 'scratch' | 'vault' | 'enrolments' | 'log'>;

async function heardOf(world: Needs, enrolment: Enrolment): Promise<Heard> {
  const left = Math.max(0, Math.ceil((enrolment.expiresAt - (await world.enrolments.now())) / 1000));
  return { state: enrolment.state, left };
}

/** GET state: one word, for pages whose stream does not come through. */
export async function answerState(ctx: Context, world: Needs, place: EnrolPlace): Promise<void> {
  const found = await readOffer(world, place.session);
  if (!found) throw new Refusal('not_found');
  ctx.body = await heardOf(world, found.enrolment);
}

/** GET events: a word at each change, and every 10 s, until the offer ends. */
export async function streamEnrolment(ctx: Context, world: Needs, place: EnrolPlace): Promise<void> {
  const found = await readOffer(world, place.session);
  if (!found) throw new Refusal('not_found');
  const { id } = found.enrolment;
  const events = openEvents(ctx);
  const look = async () => {
    const enrolment = await world.enrolments.find(id);
    if (!enrolment) return events.close();
    events.send('state', await heardOf(world, enrolment));
    if (enrolmentEnded(enrolment.state)) events.close();
  };
  const lookSafely = () =>
    look().catch((error: unknown) => {
      world.log.warn({ err: error }, 'a waiting page lost its enrolment');
      events.close();
    });
  const timer = setInterval(() => void lookSafely(), 10_000);
  events.onClose(() => clearInterval(timer));
  events.onClose(await world.enrolments.watch(id, () => void lookSafely()));
  await lookSafely();
}
