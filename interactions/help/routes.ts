// The help's addresses: `/help` and `/help/TOPIC`, for everybody, signed in or not.
import type { Context } from 'koa';
import Router from 'koa-router';
import { Refusal } from '../../src/web/errors.ts';
import { seeOther, type ViewDeps, viewOf } from '../interaction.ts';
import { show } from '../layout.tsx';
import { HelpPage, TopicPage } from './page.tsx';
import { TOPICS } from './topics.ts';

/** What these pages need. */
export type HelpDeps = ViewDeps;

function showTopic(ctx: Context, deps: HelpDeps): void {
  const topic = TOPICS.find((one) => one === ctx.params.topic);
  if (topic === undefined) throw new Refusal('not_found');
  const elsewhere = deps.settings().branding.help.topics[topic];
  if (elsewhere === undefined) show(ctx, TopicPage({ view: viewOf(ctx, deps), topic }));
  else seeOther(ctx, elsewhere);
}

/** The help pages. Where the operator has help of their own, they lead there. */
export function helpRoutes(deps: HelpDeps): Router {
  const router = new Router();
  const orElsewhere = (handler: (ctx: Context, deps: HelpDeps) => void) => (ctx: Context) => {
    const { url } = deps.settings().branding.help;
    if (url === undefined) handler(ctx, deps);
    else seeOther(ctx, url);
  };
  router.get(
    '/help',
    orElsewhere((ctx) => show(ctx, HelpPage({ view: viewOf(ctx, deps) }))),
  );
  router.get('/help/:topic', orElsewhere(showTopic));
  return router;
}
