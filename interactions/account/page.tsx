// The account page: phones, settings, and one page for each change.
import type { ComponentChildren } from 'preact';
import type { Device } from '../../src/domain/device.ts';
import type { User } from '../../src/domain/user.ts';
import { chooseLanguage } from '../../src/web/locale.ts';
import { Page, useWords, type View } from '../layout.tsx';
import { Actions, Button, ButtonLink, Card, Field, Notice, PasswordField, Section } from '../parts.tsx';
import type { WordKey, Words } from '../words.ts';
import { LANGUAGES, languageName } from '../words.ts';
import type { AccountNotice } from './session.ts';

/** What stands on every page of the account. */
export interface Framing {
  view: View;
  user: Pick<User, 'name' | 'login' | 'locale'>;
  csrf: string;
}

function Token({ csrf }: { csrf: string }) {
  return <input type="hidden" name="csrf" value={csrf} />;
}

function Aside({ framing }: { framing: Framing }) {
  const { user, csrf, view } = framing;
  return (
    <>
      <span>{user.name}</span>
      <form method="post" action="/account/sign-out">
        <Token csrf={csrf} />
        <Button kind="quiet">{view.words('account.sign_out')}</Button>
      </form>
    </>
  );
}

/** The frame of one change: a card with a question, and the way back. */
export function ChangeFrame({
  framing,
  title,
  script,
  children,
}: {
  framing: Framing;
  title: string;
  script?: string;
  children: ComponentChildren;
}) {
  const { view } = framing;
  return (
    <Page view={view} title={title} aside={<Aside framing={framing} />} {...(script === undefined ? {} : { script })}>
      <Card title={title}>{children}</Card>
      <p class="way-out">
        <ButtonLink href="/account" kind="quiet">
          {view.words('account.back')}
        </ButtonLink>
      </p>
    </Page>
  );
}

/** A service that the person has allowed something. `givenAt` in milliseconds. */
export interface AllowedService {
  clientId: string;
  name: string;
  givenAt: number;
}

/** What the home page shows. */
export interface HomePageProps {
  framing: Framing;
  phones: readonly Device[];
  services?: readonly AllowedService[];
  always: boolean;
  notice?: AccountNotice;
}

/** Who is signed in, their phones, their settings. */
export function HomePage({ framing, phones, services = [], always, notice }: HomePageProps) {
  const { view, user } = framing;
  const { words } = view;
  return (
    <Page view={view} title={words('account.title')} width="wide" aside={<Aside framing={framing} />}>
      {notice !== undefined && (
        <Notice kind={notice === 'not_fresh' ? 'warn' : 'ok'}>{words(`account.notice_${notice}`)}</Notice>
      )}
      <Card title={words('account.title')} lead={words('account.signed_in_as', { name: user.name, login: user.login })}>
        <Section title={words('account.devices_title')} id="devices">
          {phones.length === 0 && <p>{words('account.devices_none')}</p>}
          {phones.length === 1 && <p class="hint">{words('account.devices_one')}</p>}
          {phones.length > 0 && (
            <ul class="rows">
              {phones.map((phone) => (
                <PhoneRow key={phone.id} phone={phone} phones={phones} />
              ))}
            </ul>
          )}
          <Actions>
            <ButtonLink href="/account/devices/add" kind="main">
              {words('account.device_add')}
            </ButtonLink>
          </Actions>
        </Section>
        {services.length > 0 && <ServicesSection framing={framing} services={services} />}
        <SettingsSection framing={framing} phones={phones} always={always} />
      </Card>
    </Page>
  );
}

function ServicesSection({ framing, services }: { framing: Framing; services: readonly AllowedService[] }) {
  const { words } = framing.view;
  return (
    <Section title={words('account.services_title')} id="services">
      <p class="hint">{words('account.services_text')}</p>
      <ul class="rows">
        {services.map(({ clientId, name, givenAt }) => (
          <li key={clientId}>
            <div>
              <p class="row-title">{name}</p>
              <p class="row-note">{words('account.device_added', { date: words.time(givenAt) })}</p>
            </div>
            <Actions>
              <form method="post" action="/account/services/remove">
                <Token csrf={framing.csrf} />
                <Button kind="quiet" name="client_id" value={clientId}>
                  {words('account.device_remove')} <span class="unseen">{name}</span>
                </Button>
              </form>
            </Actions>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function PhoneRow({ phone, phones }: { phone: Device; phones: readonly Device[] }) {
  const words = useWords();
  const at = `/account/devices/${phone.id}`;
  const unlockable = phone.lockReason === 'pin' && phones.some((one) => one.state === 'active');
  return (
    <li>
      <div>
        <p class="row-title">{phone.name}</p>
        <p class="row-note">{factsOf(phone, words).join(' · ')}</p>
        {phone.state === 'locked' && <Notice kind="warn">{words(lockedWords(phone))}</Notice>}
      </div>
      <Actions>
        {phone.state === 'locked' && unlockable && (
          <ButtonLink href={`${at}/unlock`}>
            {words('account.device_unlock')} <span class="unseen">{phone.name}</span>
          </ButtonLink>
        )}
        <ButtonLink href={`${at}/rename`} kind="quiet">
          {words('account.device_rename')} <span class="unseen">{phone.name}</span>
        </ButtonLink>
        <ButtonLink href={`${at}/remove`} kind="quiet">
          {words('account.device_remove')} <span class="unseen">{phone.name}</span>
        </ButtonLink>
      </Actions>
    </li>
  );
}

function lockedWords(phone: Device): WordKey {
  return phone.lockReason === 'cloned' ? 'account.device_locked_cloned' : 'account.device_locked_pin';
}

function factsOf(phone: Device, words: Words): string[] {
  const used =
    phone.lastUsedAt === undefined
      ? words('account.device_never_used')
      : words('account.device_used', { date: words.time(phone.lastUsedAt) });
  return [phone.platform, words('account.device_added', { date: words.time(phone.addedAt) }), used];
}

function SettingsSection({ framing, phones, always }: Pick<HomePageProps, 'framing' | 'phones' | 'always'>) {
  const { view, user, csrf } = framing;
  const { words } = view;
  // Of mails, above all: a page may speak another language for the service that asked for it.
  const chosen = chooseLanguage({ account: user.locale, accepted: words.language }, LANGUAGES);
  const active = phones.some((phone) => phone.state === 'active');
  return (
    <Section title={words('account.settings_title')} id="settings">
      <ul class="rows">
        <li>
          <div>
            <p class="row-title">{words('account.always_title')}</p>
            <p class="row-note">{words(always ? 'account.always_on' : 'account.always_off')}</p>
            {!always && !active && <p class="row-note">{words('account.always_needs_phone')}</p>}
          </div>
          {(always || active) && (
            <form method="post" action="/account/second-factor">
              <Token csrf={csrf} />
              <Button kind="second" name="always" value={always ? 'off' : 'on'}>
                {words(always ? 'account.always_turn_off' : 'account.always_turn_on')}
              </Button>
            </form>
          )}
        </li>
        <li>
          <p class="row-title">{words('account.password_row')}</p>
          <ButtonLink href="/account/password">{words('account.password_link')}</ButtonLink>
        </li>
        <li>
          <form method="post" action="/account/language">
            <Token csrf={csrf} />
            <label for="locale">{words('account.language_label')}</label>
            <Actions>
              <select id="locale" name="locale">
                {LANGUAGES.map((language) => (
                  <option key={language} value={language} lang={language} selected={language === chosen}>
                    {languageName(language)}
                  </option>
                ))}
              </select>
              <Button kind="second">{words('account.save')}</Button>
            </Actions>
          </form>
        </li>
        <li>
          <div>
            <p class="row-title">{words('account.everywhere_row')}</p>
            <p class="row-note">{words('account.everywhere_text')}</p>
          </div>
          <form method="post" action="/account/sign-out-everywhere">
            <Token csrf={csrf} />
            <Button kind="second">{words('account.everywhere_submit')}</Button>
          </form>
        </li>
      </ul>
    </Section>
  );
}

/** One change of one phone. `error` stands beside the field. */
export interface DevicePageProps {
  framing: Framing;
  device: Pick<Device, 'id' | 'name'>;
}

/** A new name. `again`: a fresh proof was just asked for, and this is what was typed before. */
export function RenamePage({
  framing,
  device,
  typed,
  error,
  again,
}: DevicePageProps & { typed?: string; error?: WordKey; again?: boolean }) {
  const { words } = framing.view;
  return (
    <ChangeFrame framing={framing} title={words('account.rename_title', { device: device.name })}>
      {again === true && <Notice kind="info">{words('account.fresh_text')}</Notice>}
      <form method="post" action={`/account/devices/${device.id}/rename`}>
        <Token csrf={framing.csrf} />
        <Field
          name="name"
          label={words('account.rename_label')}
          value={typed ?? device.name}
          autocomplete="off"
          maxlength={60}
          {...(error === undefined ? {} : { error: words(error) })}
        />
        <Button>{words('account.save')}</Button>
      </form>
    </ChangeFrame>
  );
}

/** "Remove?" with what that means, above all for the last one. */
export function RemovePage({ framing, device, last }: DevicePageProps & { last: boolean }) {
  const { words } = framing.view;
  return (
    <ChangeFrame framing={framing} title={words('account.remove_title', { device: device.name })}>
      <p>{words('account.remove_text')}</p>
      {last && <Notice kind="warn">{words('account.remove_last')}</Notice>}
      <form method="post" action={`/account/devices/${device.id}/remove`}>
        <Token csrf={framing.csrf} />
        <Actions>
          <Button kind="danger">{words('account.remove_submit')}</Button>
          <ButtonLink href="/account">{words('account.keep')}</ButtonLink>
        </Actions>
      </form>
    </ChangeFrame>
  );
}

/** "Unlock?" */
export function UnlockPage({ framing, device }: DevicePageProps) {
  const { words } = framing.view;
  return (
    <ChangeFrame framing={framing} title={words('account.unlock_title', { device: device.name })}>
      <p>{words('account.unlock_text')}</p>
      <form method="post" action={`/account/devices/${device.id}/unlock`}>
        <Token csrf={framing.csrf} />
        <Button>{words('account.device_unlock')}</Button>
      </form>
    </ChangeFrame>
  );
}

/** Change of the password; `error` is a whole sentence. */
export interface PasswordPageProps {
  framing: Framing;
  minLength: number;
  error?: { field: 'current' | 'password' | 'again'; text: string };
}

/** The old password, and the new one twice. */
export function PasswordPage({ framing, minLength, error }: PasswordPageProps) {
  const { words } = framing.view;
  const errorAt = (field: string) => (error?.field === field ? { error: error.text } : {});
  return (
    <ChangeFrame framing={framing} title={words('account.password_title')} script="account">
      <form method="post" action="/account/password">
        <Token csrf={framing.csrf} />
        <span class="unseen">
          <input
            type="text"
            name="username"
            autocomplete="username"
            value={framing.user.login}
            tabIndex={-1}
            aria-hidden="true"
            readOnly
          />
        </span>
        <PasswordField
          name="current"
          label={words('account.password_current')}
          autocomplete="current-password"
          maxlength={1024}
          {...errorAt('current')}
        />
        <PasswordField
          name="password"
          label={words('account.password_new')}
          hint={words('account.password_hint', { min: minLength })}
          autocomplete="new-password"
          maxlength={1024}
          {...errorAt('password')}
        />
        <PasswordField
          name="again"
          label={words('account.password_again')}
          autocomplete="new-password"
          maxlength={1024}
          {...errorAt('again')}
        />
        <Button>{words('account.password_submit')}</Button>
      </form>
    </ChangeFrame>
  );
}

const AGAIN = {
  refused: ['account.refused_title', 'account.refused_text'],
  password_changed: ['account.password_changed_title', 'account.password_changed_text'],
  everywhere: ['account.everywhere_done_title', 'account.everywhere_done_text'],
} as const satisfies { readonly [why: string]: readonly [WordKey, WordKey] };

/** A page with one sentence and the way to sign in. */
export function SignInAgainPage({ view, why }: { view: View; why: keyof typeof AGAIN }) {
  const { words } = view;
  const title = words(AGAIN[why][0]);
  return (
    <Page view={view} title={title}>
      <Card title={title}>
        <p>{words(AGAIN[why][1])}</p>
        <Actions>
          <ButtonLink href="/account" kind="main">
            {words('account.sign_in')}
          </ButtonLink>
        </Actions>
      </Card>
    </Page>
  );
}
