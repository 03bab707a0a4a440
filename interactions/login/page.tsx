// The sign-in page: name and password on one page, the same words whether a person exists or not.
import type { AskingService } from '../../src/provider/pages.ts';
import { Page, type View } from '../layout.tsx';
import { Button, Card, Field, Notice, PasswordField, ServiceHeader, WayOut } from '../parts.tsx';

/** Why the page is shown again. `wait` in seconds. */
export type LoginProblem = { why: 'wrong' } | { why: 'wait'; retryAfter: number } | { why: 'busy' };

/** What the page shows. */
export interface LoginProps {
  view: View;
  service: AskingService;
  /** Address of the interaction. */
  at: string;
  login?: string;
  /** The service wants a fresh sign-in of somebody who is signed in. */
  again?: boolean;
  problem?: LoginProblem;
}

function Problem({ view, problem }: { view: View; problem: LoginProblem }) {
  const { words } = view;
  if (problem.why === 'wrong')
    return (
      <Notice kind="error" title={words('login.wrong')}>
        {words('login.wrong_hint')}
      </Notice>
    );
  if (problem.why === 'busy')
    return (
      <Notice kind="warn" title={words('login.busy')}>
        {words('login.busy_hint')}
      </Notice>
    );
  return (
    <Notice kind="error" title={words('login.wait', { seconds: problem.retryAfter })}>
      {words('login.wait_hint')}
    </Notice>
  );
}

export function LoginPage({ view, service, at, login, again = false, problem }: LoginProps) {
  const { words } = view;
  const wait = problem?.why === 'wait' ? { 'data-wait': String(problem.retryAfter) } : {};
  return (
    <Page view={view} title={words('login.title')} script="login" help="other-ways">
      <ServiceHeader service={service} />
      <Card title={words('login.title')} {...(again && { lead: words('login.again') })}>
        {problem && <Problem view={view} problem={problem} />}
        <form method="post" action={`${at}/login`}>
          <Field
            name="login"
            label={words('login.name')}
            autocomplete="username"
            maxlength={256}
            autofocus={login === undefined}
            {...(login !== undefined && { value: login })}
          />
          <PasswordField
            name="password"
            label={words('login.password')}
            autocomplete="current-password"
            maxlength={1024}
            autofocus={login !== undefined}
          />
          <Button data={wait}>{words('login.submit')}</Button>
        </form>
        <p class="beside">
          <a href={`/recover?from=${encodeURIComponent(at)}`}>{words('login.forgotten')}</a>
        </p>
      </Card>
      <WayOut action={`${at}/cancel`} service={service} />
    </Page>
  );
}
