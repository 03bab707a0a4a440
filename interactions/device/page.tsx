// The pages of the device flow (RFC 8628): type the code of a device, see who asks, done.
import type { AskingService, CodeFault } from '../../src/provider/pages.ts';
import { Page, type View } from '../layout.tsx';
import { Actions, Button, Card, Field, Notice, ServiceHeader } from '../parts.tsx';

/** What the page for the code shows. */
export interface DeviceCodeProps {
  view: View;
  xsrf: string;
  fault?: CodeFault;
}

export function DeviceCodePage({ view, xsrf, fault }: DeviceCodeProps) {
  const { words } = view;
  const title = words('device.title');
  return (
    <Page view={view} title={title} help="other-ways">
      <Card title={title} lead={words('device.lead')}>
        {fault === 'stopped' && <Notice kind="ok">{words('device.stopped')}</Notice>}
        <form method="post" action="/device">
          <input type="hidden" name="xsrf" value={xsrf} />
          <Field
            name="user_code"
            label={words('device.label')}
            {...(fault !== undefined && fault !== 'stopped' && { error: words(`device.${fault}`) })}
            autocomplete="off"
            maxlength={20}
            autofocus
            code
          />
          <Notice kind="warn">{words('device.warning')}</Notice>
          <Actions>
            <Button>{words('approve.code_send')}</Button>
          </Actions>
        </form>
      </Card>
    </Page>
  );
}

/** What the question before the sign-in shows. */
export interface DeviceConfirmProps {
  view: View;
  /** oidc-provider's own form, `op.deviceConfirmForm`; what was typed stands in it as an escaped value. */
  form: string;
  service: Pick<AskingService, 'name' | 'logoUri'>;
  userCode: string;
}

export function DeviceConfirmPage({ view, form, service, userCode }: DeviceConfirmProps) {
  const { words } = view;
  const title = words('device.confirm_title');
  return (
    <Page view={view} title={title} help="other-ways">
      <ServiceHeader service={service} why={words.rich('device.asks', { service: service.name })} />
      <Card title={title}>
        <p class="typed-code">{userCode}</p>
        <Notice kind="warn">{words('device.warning')}</Notice>
        <div dangerouslySetInnerHTML={{ __html: form }} />
        <Actions>
          <Button form="op.deviceConfirmForm">{words('approve.code_send')}</Button>
          <Button form="op.deviceConfirmForm" kind="second" name="abort" value="yes">
            {words('device.refuse')}
          </Button>
        </Actions>
      </Card>
    </Page>
  );
}

export function DeviceDonePage({ view, service }: { view: View; service: Pick<AskingService, 'name'> }) {
  const { words } = view;
  const title = words('device.done_title');
  return (
    <Page view={view} title={title} help="other-ways">
      <Card title={title}>
        <Notice kind="ok">{words('device.done_lead', { service: service.name })}</Notice>
      </Card>
    </Page>
  );
}
