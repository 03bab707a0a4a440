// Shows the pages of the device flow for the provider (SystemPages).
import type { SystemPages } from '../../src/provider/pages.ts';
import { type ViewDeps, viewOf } from '../interaction.ts';
import { show } from '../layout.tsx';
import { DeviceCodePage, DeviceConfirmPage, DeviceDonePage } from './page.tsx';

/** The part of the system's pages that belongs to devices. */
export function devicePages(deps: ViewDeps): Pick<SystemPages, 'deviceCode' | 'deviceConfirm' | 'deviceDone'> {
  return {
    deviceCode: async (ctx, xsrf, fault) => {
      const status = fault === undefined || fault === 'stopped' ? 200 : 400;
      show(ctx, DeviceCodePage({ view: viewOf(ctx, deps), xsrf, ...(fault && { fault }) }), status);
    },
    deviceConfirm: async (ctx, form, service, userCode) => {
      show(ctx, DeviceConfirmPage({ view: viewOf(ctx, deps, {}, service), form, service, userCode }));
    },
    deviceDone: async (ctx, service) => {
      show(ctx, DeviceDonePage({ view: viewOf(ctx, deps, {}, service), service }));
    },
  };
}
