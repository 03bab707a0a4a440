// The consent step: shows what is asked newly, and grants exactly that or refuses.
import type { Context } from 'koa';
import type { InteractionDetails } from '../../src/provider/pages.ts';
import { readForm } from '../../src/web/body.ts';
import { type PageDeps, seeOther, stepPath, viewOf } from '../interaction.ts';
import { show } from '../layout.tsx';
import { ConsentPage } from './page.tsx';

/** GET: the page. */
export async function showConsent(ctx: Context, deps: PageDeps, details: InteractionDetails): Promise<void> {
  const user = details.userId === undefined ? undefined : await deps.world.records.users.byId(details.userId);
  const view = viewOf(ctx, deps, { uiLocales: details.uiLocales, account: user?.locale }, details.service);
  const consent = details.consent ?? { scopes: [], claims: [], own: [], resources: [] };
  const account = user && { account: user.name };
  show(ctx, ConsentPage({ view, service: details.service, at: stepPath(details), consent, ...account }));
}

/** POST /interaction/:uid/consent: anything but *allow* is no. */
export async function submitConsent(ctx: Context, deps: PageDeps, details: InteractionDetails): Promise<void> {
  if (details.prompt !== 'consent') return seeOther(ctx, stepPath(details));
  const form = await readForm(ctx);
  if (form.text('answer') === 'allow') return deps.interactions.grant(ctx, details);
  await deps.interactions.refuse(ctx, details, 'access_denied', 'The person did not allow it.');
}
