// Samples of the pages of the device flow.
import type { CodeFault } from '../../src/provider/pages.ts';
import { SAMPLE_SERVICE, type Sample } from '../samples.ts';
import { DeviceCodePage, DeviceConfirmPage, DeviceDonePage } from './page.tsx';

const FAULTS: readonly CodeFault[] = ['again', 'wrong', 'ended', 'stopped'];
const form =
  '<form id="op.deviceConfirmForm" method="post" action="/device"><input type="hidden" name="xsrf" value="5a"/></form>';

export const samples: readonly Sample[] = [
  { name: 'device-code', page: (view) => <DeviceCodePage view={view} xsrf="5a" /> },
  ...FAULTS.map((fault) => ({
    name: `device-code-${fault}`,
    page: (view: Parameters<Sample['page']>[0]) => <DeviceCodePage view={view} xsrf="5a" fault={fault} />,
  })),
  {
    name: 'device-confirm',
    page: (view) => <DeviceConfirmPage view={view} form={form} service={SAMPLE_SERVICE} userCode="WDJB-MJHT" />,
  },
  { name: 'device-done', page: (view) => <DeviceDonePage view={view} service={SAMPLE_SERVICE} /> },
];
