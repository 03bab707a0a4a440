// What a person changes about their phones: add, rename, remove, unlock. Each asks for the account's highest level, fresh, first.
import type { Context } from 'koa';
import type { Device } from '../../src/domain/device.ts';
import { secondProofStands } from '../../src/usecases/check-second-proof.ts';
import { removeDevice, renameDevice } from '../../src/usecases/manage-devices.ts';
import { unlockDevice } from '../../src/usecases/unlock-device.ts';
import { Refusal } from '../../src/web/errors.ts';
import { readOffer } from '../enrol/offer.ts';
import type { EnrolPlace } from '../enrol/place.ts';
import { seeOther } from '../interaction.ts';
import { show } from '../layout.tsx';
import { type AccountDeps, type AccountVisit, askFresh, home, isFresh, sessionHash, takeDraft } from './guard.ts';
import { ChangeFrame, type Framing, RemovePage, RenamePage, UnlockPage } from './page.tsx';

/** What stands on every page of a visit. */
export function framingOf({ view, user, session }: AccountVisit): Framing {
  return { view, user, csrf: session.csrf };
}

/** Where a phone is added on the account page. */
export const ADD = '/account/devices/add';

/** The person's own phone of this address. Another person's, a removed and an unknown one are the same 404 (A43). */
function phoneOf(ctx: Context, visit: AccountVisit): Device {
  const id: unknown = ctx['params']?.id;
  const phone = visit.phones.find((one) => one.id === id);
  if (!phone) throw new Refusal('not_found');
  return phone;
}

const hasActive = (phones: readonly Device[]) => phones.some((phone) => phone.state === 'active');

/** The place for adding a phone; undefined where a fresh proof is asked for first. */
export async function addPlace(ctx: Context, deps: AccountDeps, visit: AccountVisit): Promise<EnrolPlace | undefined> {
  const session = sessionHash(visit.session);
  const underWay = await readOffer(deps.world, session);
  // An offer that was made freshly may be seen to its end; everything that begins one is asked for anew.
  const begins = ctx.method === 'POST' && ctx.path === `${ADD}/start`;
  if ((!underWay || begins) && !isFresh(deps, visit)) {
    const name = visit.form.text('name').slice(0, 60);
    await askFresh(ctx, deps, visit, ADD, name === '' ? undefined : { name });
    return undefined;
  }
  const draft = ctx.method === 'GET' && ctx.path === ADD ? await takeDraft(deps, visit, ADD) : undefined;
  const framing = framingOf(visit);
  const { words } = visit.view;
  return {
    userId: visit.user.id,
    session,
    base: ADD,
    at: ADD,
    view: visit.view,
    hidden: { csrf: visit.session.csrf },
    proven: hasActive(visit.phones),
    why: words('enrol.why_account'),
    ...(draft?.['name'] === undefined ? {} : { typedName: draft['name'] }),
    frame: (page) => ChangeFrame({ framing, ...page }),
    done: (context) => home(context, deps, visit, 'device_added'),
  };
}

/** GET rename. */
export async function showRename(ctx: Context, deps: AccountDeps, visit: AccountVisit): Promise<void> {
  const device = phoneOf(ctx, visit);
  if (!isFresh(deps, visit)) return askFresh(ctx, deps, visit, ctx.path);
  const draft = await takeDraft(deps, visit, ctx.path);
  const typed = draft?.['name'];
  show(ctx, RenamePage({ framing: framingOf(visit), device, ...(typed === undefined ? {} : { typed, again: true }) }));
}

/** POST rename. */
export async function submitRename(ctx: Context, deps: AccountDeps, visit: AccountVisit): Promise<void> {
  const device = phoneOf(ctx, visit);
  const name = visit.form.text('name');
  if (!isFresh(deps, visit)) return askFresh(ctx, deps, visit, ctx.path, { name: name.slice(0, 60) });
  const renamed = await renameDevice(deps.world, { userId: visit.user.id, deviceId: device.id, name });
  if (renamed.ok) return home(ctx, deps, visit, 'device_renamed');
  if (renamed.why === 'unknown_device') throw new Refusal('not_found');
  const error = `enrol.name_${renamed.problem}` as const;
  show(ctx, RenamePage({ framing: framingOf(visit), device, typed: name, error }), 422);
}

/**
 * Whether this visit may remove a phone: a fresh proof, and where no phone can answer any more the second proof beside the password.
 * Where not, the request is answered.
 */
async function mayRemove(ctx: Context, deps: AccountDeps, visit: AccountVisit): Promise<boolean> {
  if (!isFresh(deps, visit)) {
    await askFresh(ctx, deps, visit, ctx.path);
    return false;
  }
  const of = { userId: visit.user.id, session: sessionHash(visit.session) };
  if (hasActive(visit.phones) || (await secondProofStands(deps.world, of))) return true;
  seeOther(ctx, ADD);
  return false;
}

/** GET remove: asks, and changes nothing. */
export async function showRemove(ctx: Context, deps: AccountDeps, visit: AccountVisit): Promise<void> {
  const device = phoneOf(ctx, visit);
  if (!(await mayRemove(ctx, deps, visit))) return;
  show(ctx, RemovePage({ framing: framingOf(visit), device, last: visit.phones.length === 1 }));
}

/** POST remove. */
export async function submitRemove(ctx: Context, deps: AccountDeps, visit: AccountVisit): Promise<void> {
  const device = phoneOf(ctx, visit);
  if (!(await mayRemove(ctx, deps, visit))) return;
  const removed = await removeDevice(deps.world, { userId: visit.user.id, deviceId: device.id });
  if (!removed.ok) throw new Refusal('not_found');
  await home(ctx, deps, visit, 'device_removed');
}

/** GET unlock: only where another phone has spoken for it. */
export async function showUnlock(ctx: Context, deps: AccountDeps, visit: AccountVisit): Promise<void> {
  const device = phoneOf(ctx, visit);
  if (device.state !== 'locked' || device.lockReason !== 'pin' || !hasActive(visit.phones))
    return seeOther(ctx, '/account');
  if (!isFresh(deps, visit)) return askFresh(ctx, deps, visit, ctx.path);
  show(ctx, UnlockPage({ framing: framingOf(visit), device }));
}

/** POST unlock. */
export async function submitUnlock(ctx: Context, deps: AccountDeps, visit: AccountVisit): Promise<void> {
  const device = phoneOf(ctx, visit);
  if (!hasActive(visit.phones)) return seeOther(ctx, '/account');
  if (!isFresh(deps, visit)) return askFresh(ctx, deps, visit, ctx.path);
  const unlocked = await unlockDevice(deps.world, { userId: visit.user.id, deviceId: device.id });
  if (unlocked.ok) return home(ctx, deps, visit, 'device_unlocked');
  if (unlocked.why === 'unknown_device') throw new Refusal('not_found');
  seeOther(ctx, '/account');
}
