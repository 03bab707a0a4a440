// Forgotten password and invitation: ask for a link, say that one may be on its way, set a password, done.
import { Page, type View } from '../layout.tsx';
import { Actions, Button, ButtonLink, Card, Field, Notice, PasswordField } from '../parts.tsx';
import { type NewPasswordProblem, passwordProblemWords } from './password-words.ts';

/** What the page that asks for the name shows. */
export interface AskProps {
  view: View;
  /** The interaction to go back to. */
  from?: string;
  /** Too many links were asked for: seconds to wait. */
  retryAfter?: number;
}

export function AskPage({ view, from, retryAfter }: AskProps) {
  const { words } = view;
  return (
    <Page view={view} help="other-ways" title={words('recovery.ask_title')} script="recovery">
      <Card title={words('recovery.ask_title')} lead={words('recovery.ask_lead')}>
        {retryAfter !== undefined && (
          <Notice kind="error" title={words('recovery.wait', { seconds: retryAfter })}>
            {words('recovery.wait_hint')}
          </Notice>
        )}
        <form method="post" action="/recover">
          {from !== undefined && <input type="hidden" name="from" value={from} />}
          <Field name="login" label={words('recovery.name')} autocomplete="username" maxlength={256} autofocus />
          <Button>{words('recovery.send')}</Button>
        </form>
      </Card>
      {from !== undefined && <BackLink from={from} words={words} />}
    </Page>
  );
}

function BackLink({ from, words }: { from: string; words: View['words'] }) {
  return (
    <p class="way-out">
      <ButtonLink href={from} kind="quiet">
        {words('recovery.back')}
      </ButtonLink>
    </p>
  );
}

/** What is told after asking: the same for everybody. */
export interface SentProps {
  view: View;
  from?: string;
  minutes: number;
}

export function SentPage({ view, from, minutes }: SentProps) {
  const { words } = view;
  return (
    <Page view={view} help="other-ways" title={words('recovery.sent_title')}>
      <Card title={words('recovery.sent_title')} lead={words('recovery.sent_lead', { minutes })}>
        <ul class="bullets">
          <li>{words('recovery.sent_spam')}</li>
          <li>{words('recovery.sent_phone')}</li>
        </ul>
      </Card>
      {from !== undefined && <BackLink from={from} words={words} />}
    </Page>
  );
}

/** What the page with the new password shows. */
export interface NewPasswordProps {
  view: View;
  what: 'reset' | 'invitation';
  minLength: number;
  /** The link's secret, kept over a refused try. */
  token?: string;
  problem?: NewPasswordProblem | 'busy' | 'over';
}

export function NewPasswordPage({ view, what, minLength, token, problem }: NewPasswordProps) {
  const { words } = view;
  const title = words(what === 'reset' ? 'recovery.new_title' : 'recovery.invited_title');
  const refused = problem === 'busy' || problem === 'over' ? undefined : problem;
  const error = refused && passwordProblemWords(words, refused, minLength);
  return (
    <Page view={view} help="other-ways" title={title} script="recovery">
      <Card title={title} lead={words(what === 'reset' ? 'recovery.new_lead' : 'recovery.invited_lead')}>
        {problem === 'over' && (
          <Notice kind="error" title={words('recovery.over')}>
            {words(what === 'reset' ? 'recovery.over_reset' : 'recovery.over_invitation')}
          </Notice>
        )}
        {problem === 'busy' && <Notice kind="warn" title={words('recovery.busy')} />}
        <form method="post" action={what === 'reset' ? '/recover/new' : '/invitation'}>
          <div data-token>
            <Field
              name="token"
              label={words('recovery.token')}
              hint={words('recovery.token_hint')}
              autocomplete="off"
              maxlength={200}
              {...(token !== undefined && { value: token })}
            />
          </div>
          <PasswordField
            name="password"
            label={words('recovery.password')}
            hint={words('password.rule', { minimum: minLength })}
            autocomplete="new-password"
            minlength={minLength}
            maxlength={512}
            {...(error !== undefined && refused !== 'mismatch' && { error })}
          />
          <PasswordField
            name="repeat"
            label={words('recovery.repeat')}
            autocomplete="new-password"
            maxlength={512}
            {...(error !== undefined && refused === 'mismatch' && { error })}
          />
          <Button>{words('recovery.set')}</Button>
        </form>
      </Card>
      {problem === 'over' && what === 'reset' && (
        <p class="way-out">
          <ButtonLink href="/recover" kind="quiet">
            {words('recovery.ask_again')}
          </ButtonLink>
        </p>
      )}
    </Page>
  );
}

/** What is told when the password is set. */
export interface DoneProps {
  view: View;
  what: 'reset' | 'invitation';
}

export function DonePage({ view, what }: DoneProps) {
  const { words } = view;
  return (
    <Page view={view} help="other-ways" title={words('recovery.done_title')}>
      <Card title={words('recovery.done_title')}>
        <Notice kind="ok">{words(what === 'reset' ? 'recovery.done_reset' : 'recovery.done_invitation')}</Notice>
        <Actions>
          <ButtonLink href="/account" kind="main">
            {words('recovery.to_account')}
          </ButtonLink>
        </Actions>
      </Card>
    </Page>
  );
}
