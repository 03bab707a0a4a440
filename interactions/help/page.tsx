// Help: all topics, and one of them with its steps. Opened beside the page that leads here, so nothing that was typed there is lost.
import { Page, type View } from '../layout.tsx';
import { ButtonLink, Card } from '../parts.tsx';
import { helpIn, TOPICS, type Topic } from './topics.ts';

/** Topics whose next step is on the account page. */
const AT_ACCOUNT: ReadonlySet<Topic> = new Set(['add', 'new-phone', 'lost-phone']);

/** The operator's own answer to a topic, where there is one; ours otherwise. */
const addressOf = (view: View, topic: Topic) => view.brand.help.topics[topic] ?? `/help/${topic}`;

/** The operator's own links, and whom to ask. */
function Further({ view }: { view: View }) {
  const { words, brand } = view;
  const help = helpIn(words);
  const { links } = brand.help;
  const support = brand.support?.url ?? (brand.support?.email && `mailto:${brand.support.email}`);
  return (
    <>
      {links.length > 0 && (
        <>
          <h2>{help.word('also')}</h2>
          <ul class="topics">
            {links.map(({ name, url }) => (
              <li key={url}>
                <a href={url}>{name}</a>
              </li>
            ))}
          </ul>
        </>
      )}
      <p>{help.word('stuck')}</p>
      {support && (
        <p>
          <a href={support}>{brand.support?.email ?? words('parts.support')}</a>
        </p>
      )}
      <p class="hint">{help.word('nobody_asks')}</p>
    </>
  );
}

/** All topics. */
export function HelpPage({ view }: { view: View }) {
  const help = helpIn(view.words);
  return (
    <Page view={view} title={help.word('title')} help="none">
      <Card title={help.word('title')} lead={help.word('lead', { brand: view.brand.name })}>
        <ul class="topics">
          {TOPICS.map((topic) => (
            <li key={topic}>
              <a href={addressOf(view, topic)}>{help.topic(topic, view.brand.name).title}</a>
            </li>
          ))}
        </ul>
        <Further view={view} />
      </Card>
    </Page>
  );
}

/** One topic. */
export function TopicPage({ view, topic }: { view: View; topic: Topic }) {
  const help = helpIn(view.words);
  const { title, body } = help.topic(topic, view.brand.name);
  return (
    <Page view={view} title={title} help="none">
      <Card title={title}>
        {body.map((part) =>
          typeof part === 'string' ? (
            <p key={part}>{part}</p>
          ) : (
            <ol key={part[0]} class="how">
              {part.map((step) => (
                <li key={step}>{step}</li>
              ))}
            </ol>
          ),
        )}
        {AT_ACCOUNT.has(topic) && <ButtonLink href="/account">{help.word('account')}</ButtonLink>}
        <Further view={view} />
        <p>
          <a href="/help">{help.word('all')}</a>
        </p>
      </Card>
    </Page>
  );
}
