// A person with an enrolled headless phone, without the pages: for tests of what happens after the enrolment.
import { HeadlessPhone } from '../../src/cli/phone-headless.ts';
import { memoryStore } from '../../src/cli/phone-state.ts';
import { startEnrolment } from '../../src/usecases/start-enrolment.ts';
import { person, type RunningHouse } from './house.ts';

/** The PIN of every phone here. */
export const PIN = '805139';

/** Adds a person and a phone of theirs, which speaks to the provider over HTTP. */
export async function personWithPhone(running: RunningHouse) {
  const { id, login } = await person(running.house);
  return { id, login, phone: await phoneOf(running, id) };
}

/** Enrols one more phone. */
export async function phoneOf(running: RunningHouse, userId: string): Promise<HeadlessPhone> {
  const offer = { userId, session: 's', name: 'Blue phone', pin: PIN, pinAgain: PIN };
  const started = await startEnrolment(running.house.world, offer);
  if (!started.ok) throw new Error(started.why);
  const phone = new HeadlessPhone({ origin: running.issuer, state: memoryStore() });
  await phone.enrol({ link: started.link }, PIN);
  return phone;
}
