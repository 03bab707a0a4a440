// The system's own pages: something went wrong, this sign-in is over, sign out, signed out.
import { Page, type View } from '../layout.tsx';
import { Actions, Button, ButtonLink, Card, Facts, Notice } from '../parts.tsx';

/** What can be told about a problem; each has a title and what to do next in the words. */
export type ProblemKind =
  | 'request'
  | 'client'
  | 'level'
  | 'forbidden'
  | 'missing'
  | 'over'
  | 'large'
  | 'many'
  | 'busy'
  | 'readonly'
  | 'ours';

/** What a problem page shows. */
export interface ProblemProps {
  view: View;
  kind: ProblemKind;
  /** The service, where it is known and has a page to go back to. */
  startAgain?: { name: string; url: string };
  /** For the people who run the service: codes of the standard, the id of the request. */
  technical?: { code?: string; description?: string; requestId?: string };
  /** Seconds until trying again makes sense. */
  retryAfter?: number;
}

function Technical({
  view,
  technical,
  open,
}: {
  view: View;
  technical: NonNullable<ProblemProps['technical']>;
  open: boolean;
}) {
  const { words } = view;
  const facts = [
    { name: words('system.code'), value: technical.code },
    { name: words('system.description'), value: technical.description },
    { name: words('system.request'), value: technical.requestId },
  ].filter((fact) => fact.value !== undefined && fact.value !== '');
  if (facts.length === 0) return null;
  return (
    <details class="technical" open={open}>
      <summary>{words('system.technical')}</summary>
      <Facts of={facts.map(({ name, value }) => ({ name, value: <code>{value}</code> }))} />
    </details>
  );
}

export function ProblemPage({ view, kind, startAgain, technical, retryAfter }: ProblemProps) {
  const { words } = view;
  const title = words(`system.${kind}_title`);
  return (
    <Page view={view} title={title} help="contact">
      <Card title={title} lead={words(`system.${kind}_lead`)}>
        {retryAfter !== undefined && <p>{words('system.retry_after', { seconds: retryAfter })}</p>}
        {startAgain ? (
          <Actions>
            <ButtonLink href={startAgain.url} kind="main">
              {words('system.start_again_at', { service: startAgain.name })}
            </ButtonLink>
          </Actions>
        ) : (
          <p>{words('system.start_again')}</p>
        )}
        {technical && <Technical view={view} technical={technical} open={kind === 'ours'} />}
      </Card>
    </Page>
  );
}

/** What the sign-out question shows. */
export interface LogoutProps {
  view: View;
  /** oidc-provider's own form, `op.logoutForm`: not a word of a person stands in it. */
  form: string;
  service?: { name: string };
}

export function LogoutPage({ view, form, service }: LogoutProps) {
  const { words, brand } = view;
  return (
    <Page view={view} title={words('system.logout_title')}>
      <Card
        title={words('system.logout_title')}
        lead={
          service
            ? words.rich('system.logout_lead_service', { service: service.name, brand: brand.name })
            : words('system.logout_lead', { brand: brand.name })
        }
      >
        <div dangerouslySetInnerHTML={{ __html: form }} />
        <Actions>
          <Button form="op.logoutForm" name="logout" value="yes">
            {words('system.logout_yes')}
          </Button>
          <Button form="op.logoutForm" kind="second">
            {words('system.logout_no')}
          </Button>
        </Actions>
      </Card>
    </Page>
  );
}

/** A page that goes on by itself, and by a button where no script runs. */
export function PassOnPage({ view, form }: { view: View; form: string }) {
  const { words } = view;
  return (
    <Page view={view} title={words('system.on_title')} script="system">
      <Card title={words('system.on_title')} lead={words('system.on_lead')}>
        <div dangerouslySetInnerHTML={{ __html: form }} />
        <Actions>
          <Button form="op.passOnForm">{words('system.on_go')}</Button>
        </Actions>
      </Card>
    </Page>
  );
}

/** What the page after signing out shows. */
export interface LoggedOutProps {
  view: View;
  service?: { name: string; homepage?: string };
}

export function LoggedOutPage({ view, service }: LoggedOutProps) {
  const { words, brand } = view;
  return (
    <Page view={view} title={words('system.out_title')}>
      <Card title={words('system.out_title')}>
        <Notice kind="ok">{words('system.out_lead', { brand: brand.name })}</Notice>
        <p>{words('system.out_hint')}</p>
        {service?.homepage !== undefined && (
          <Actions>
            <ButtonLink href={service.homepage}>{words('system.back_to', { service: service.name })}</ButtonLink>
          </Actions>
        )}
      </Card>
    </Page>
  );
}
