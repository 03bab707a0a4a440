// The pages of the demo service: a made-up payroll office.
import type { ComponentChildren } from 'preact';
import { renderToString } from 'preact-render-to-string';
import type { Row } from './plain-words.ts';
import type { SignedIn } from './sessions.ts';

function Layout({ title, who, children }: { title: string; who: SignedIn | undefined; children: ComponentChildren }) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${title} – Harbour Payroll`}</title>
        <link rel="icon" href="/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/style.css" />
      </head>
      <body>
        <header>
          <div class="bar">
            <a class="brand" href="/">
              <img src="/icon.svg" alt="" width="32" height="32" />
              <span>Harbour Payroll</span>
            </a>
            <SignedInAs who={who} />
          </div>
        </header>
        <main>{children}</main>
        <footer>
          <p>A made-up service that shows how Countersign works. Nothing here is real but the sign-in.</p>
        </footer>
      </body>
    </html>
  );
}

function SignedInAs({ who }: { who: SignedIn | undefined }) {
  if (!who) {
    return (
      <a class="button small" href="/sign-in">
        Sign in
      </a>
    );
  }
  return (
    <form class="who" method="post" action="/sign-out">
      <span>{String(who.claims.name ?? who.claims.sub)}</span>
      <button class="small" type="submit">
        Sign out
      </button>
    </form>
  );
}

/** What each of the four doors needs, said before the door is opened. */
const DOORS = [
  {
    href: '/desk',
    title: 'My desk',
    text: 'Who you are, and what the sign-in service told us about you.',
    needs: 'Needs a sign-in',
  },
  {
    href: '/bank-account',
    title: 'My bank account',
    text: 'Where your salary goes. Changing it must be you.',
    needs: 'Needs your phone',
  },
  {
    href: '/payslips',
    title: 'My payslips',
    text: 'They come from another service, which says itself how sure it wants to be.',
    needs: 'Needs your phone, not long ago',
  },
];

export function Home({ who }: { who: SignedIn | undefined }) {
  return (
    <Layout title="Welcome" who={who}>
      <h1>{who ? `Good day, ${String(who.claims.name ?? 'colleague')}` : 'Your pay, in calm waters'}</h1>
      <p class="lead">
        Everybody may read this page. Each of the doors below asks for as much proof as it needs, and no more.
      </p>
      <ul class="doors">
        {DOORS.map(({ href, title, text, needs }) => (
          <li key={href}>
            <a class="door" href={href}>
              <strong>{title}</strong>
              <span>{text}</span>
              <em>{needs}</em>
            </a>
          </li>
        ))}
      </ul>
    </Layout>
  );
}

function Claims({ rows }: { rows: Row[] }) {
  return (
    <table>
      <caption>What the sign-in service told us</caption>
      <thead>
        <tr>
          <th scope="col">Claim</th>
          <th scope="col">Value</th>
          <th scope="col">In plain words</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ claim, value, words }) => (
          <tr key={claim}>
            <th scope="row">
              <code>{claim}</code>
            </th>
            <td data-label="Value">
              <code>{value}</code>
            </td>
            <td data-label="In plain words">{words}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function Desk({ who, rows }: { who: SignedIn; rows: Row[] }) {
  return (
    <Layout title="My desk" who={who}>
      <h1>My desk</h1>
      <p class="lead">You are signed in. This is what your ID token says.</p>
      <Claims rows={rows} />
      <details>
        <summary>Every claim of the ID token</summary>
        <pre>{JSON.stringify(who.claims, null, 2)}</pre>
      </details>
      <p>
        <a class="button" href="/bank-account">
          Go on to my bank account
        </a>
      </p>
    </Layout>
  );
}

export function BankAccount({ who, rows }: { who: SignedIn; rows: Row[] }) {
  return (
    <Layout title="My bank account" who={who}>
      <h1>My bank account</h1>
      <p class="good">Your phone has confirmed that it is you. Only now do we show this page.</p>
      <dl class="card">
        <dt>Account</dt>
        <dd>BE71 0961 2345 6769</dd>
        <dt>Next payment</dt>
        <dd>18 December 2026</dd>
      </dl>
      <Claims rows={rows} />
    </Layout>
  );
}

interface Payslips {
  payslips: { month: string; gross: string; net: string }[];
}

export function PayslipsPage({ who, answer }: { who: SignedIn; answer: Payslips }) {
  return (
    <Layout title="My payslips" who={who}>
      <h1>My payslips</h1>
      <p class="good">The payslip service has checked your access token itself and found it strong and fresh enough.</p>
      <table>
        <caption>What the payslip service sent</caption>
        <thead>
          <tr>
            <th scope="col">Month</th>
            <th scope="col">Gross</th>
            <th scope="col">Net</th>
          </tr>
        </thead>
        <tbody>
          {answer.payslips.map(({ month, gross, net }) => (
            <tr key={month}>
              <th scope="row">{month}</th>
              <td data-label="Gross">{gross}</td>
              <td data-label="Net">{net}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Layout>
  );
}

/** A sentence, and one way on. */
export function Message({
  who,
  title,
  text,
  again,
}: {
  who: SignedIn | undefined;
  title: string;
  text: string;
  again?: string;
}) {
  return (
    <Layout title={title} who={who}>
      <h1>{title}</h1>
      <p class="lead">{text}</p>
      <p class="ways">
        {again !== undefined && (
          <a class="button" href={again}>
            Try again
          </a>
        )}
        <a href="/">Back to the first page</a>
      </p>
    </Layout>
  );
}

/** A whole page as text. */
export function html(page: Parameters<typeof renderToString>[0]): string {
  return `<!doctype html>${renderToString(page)}`;
}
