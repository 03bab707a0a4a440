// The consent page: who asks for what, in plain words, and what happens with either answer.
import type { ComponentChildren } from 'preact';
import type { AskingService, InteractionDetails, OwnClaim } from '../../src/provider/pages.ts';
import { Page, type View } from '../layout.tsx';
import { Actions, Button, Card, ServiceHeader } from '../parts.tsx';
import type { WordKey, Words } from '../words.ts';

/** What the page shows. */
export interface ConsentProps {
  view: View;
  service: AskingService;
  /** Address of the interaction. */
  at: string;
  consent: NonNullable<InteractionDetails['consent']>;
  /** The name of the account that is signed in. */
  account?: string;
}

/** Scopes and claims of OpenID Connect Core (sections 5.1, 5.4, 11) that have words; `openid` is the sign-in itself. */
const SCOPES: { readonly [scope: string]: WordKey } = {
  openid: 'consent.scope_openid',
  profile: 'consent.scope_profile',
  email: 'consent.scope_email',
  groups: 'consent.scope_groups',
  phone: 'consent.scope_phone',
  address: 'consent.scope_address',
  offline_access: 'consent.scope_offline_access',
};
const CLAIMS: { readonly [claim: string]: WordKey } = {
  name: 'consent.claim_name',
  preferred_username: 'consent.claim_preferred_username',
  email: 'consent.claim_email',
  email_verified: 'consent.claim_email',
  locale: 'consent.claim_locale',
  groups: 'consent.scope_groups',
};

/** How the sign-in was done, not what is known of the person: nothing to ask about. */
const TECHNICAL = new Set(['sub', 'acr', 'amr', 'auth_time', 'sid', 'iss', 'updated_at']);

function said(words: Words, table: { readonly [name: string]: WordKey }, name: string): ComponentChildren {
  const key = Object.hasOwn(table, name) ? table[name] : undefined;
  return key === undefined ? words.rich('consent.other', { name }) : words(key);
}

/** A claim of the operator's own: as the operator says it, as groups, or by its name. */
function saidOwn(words: Words, { name, description, groups }: OwnClaim): { key: string; line: ComponentChildren } {
  if (description !== undefined) return { key: description, line: description };
  if (groups) return { key: 'consent.scope_groups', line: words('consent.scope_groups') };
  return { key: name, line: words.rich('consent.other', { name }) };
}

/** One line a thing, each said once. */
function asked(words: Words, consent: ConsentProps['consent']): { key: string; line: ComponentChildren }[] {
  const scopes = consent.scopes.map((scope) => ({ key: SCOPES[scope] ?? scope, line: said(words, SCOPES, scope) }));
  const claims = consent.claims
    .filter((claim) => !TECHNICAL.has(claim))
    .map((claim) => ({ key: CLAIMS[claim] ?? claim, line: said(words, CLAIMS, claim) }));
  const own = consent.own.map((claim) => saidOwn(words, claim));
  const lines = new Map([...scopes, ...claims, ...own].map((entry) => [entry.key, entry]));
  return [...lines.values()];
}

/** What a resource is told of the person. */
function Known({ words, claims }: { words: Words; claims: OwnClaim[] }) {
  const lines = new Map(claims.map((claim) => saidOwn(words, claim)).map((said) => [said.key, said.line]));
  if (lines.size === 0) return null;
  return (
    <ul>
      {[...lines].map(([key, line]) => (
        <li key={key}>{line}</li>
      ))}
    </ul>
  );
}

function Policies({ service, words }: { service: AskingService; words: Words }) {
  const links = [
    { url: service.policyUri, name: words('consent.policy', { service: service.name }) },
    { url: service.tosUri, name: words('consent.terms', { service: service.name }) },
  ].filter((link) => link.url !== undefined);
  if (links.length === 0) return null;
  return (
    <ul class="links">
      {links.map(({ url, name }) => (
        <li key={url}>
          <a href={url ?? ''} target="_blank" rel="noopener noreferrer">
            {name}
          </a>
        </li>
      ))}
    </ul>
  );
}

export function ConsentPage({ view, service, at, consent, account }: ConsentProps) {
  const { words } = view;
  const lines = asked(words, consent);
  return (
    <Page view={view} title={words('consent.title')} script="consent">
      <ServiceHeader
        service={service}
        why={
          account === undefined
            ? words.rich('consent.asks', { service: service.name })
            : words.rich('consent.asks_account', { service: service.name, account })
        }
      />
      <Card title={words('consent.title')} lead={words('consent.lead', { service: service.name })}>
        <ul class="bullets">
          {lines.map(({ key, line }) => (
            <li key={key}>{line}</li>
          ))}
          {consent.resources.map((resource) => (
            <li key={resource.name}>
              {words.rich('consent.resource', {
                resource: resource.name,
                scopes: resource.scopes.map((scope) => scope.description ?? scope.name).join(', '),
              })}
              <Known words={words} claims={resource.claims} />
            </li>
          ))}
        </ul>
        <Policies service={service} words={words} />
        <form method="post" action={`${at}/consent`}>
          <Actions>
            <Button name="answer" value="allow">
              {words('consent.allow')}
            </Button>
            <Button kind="second" name="answer" value="refuse">
              {words('consent.refuse')}
            </Button>
          </Actions>
        </form>
        <p class="hint">{words('consent.refuse_hint', { service: service.name })}</p>
      </Card>
    </Page>
  );
}
