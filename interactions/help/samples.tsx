// Samples of the help.
import type { Sample } from '../samples.ts';
import { HelpPage, TopicPage } from './page.tsx';
import { TOPICS } from './topics.ts';

export const samples: readonly Sample[] = [
  { name: 'help', page: (view) => <HelpPage view={view} /> },
  {
    name: 'help-own',
    page: (view) => (
      <HelpPage
        view={{
          ...view,
          brand: { ...view.brand, help: { topics: {}, links: [{ name: 'Wiki', url: 'https://wiki.example/' }] } },
        }}
      />
    ),
  },
  ...TOPICS.map((topic) => ({
    name: `help-${topic}`,
    page: (view: Parameters<Sample['page']>[0]) => <TopicPage view={view} topic={topic} />,
  })),
];
