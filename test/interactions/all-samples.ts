// Every sample of every page, and a view to show it with: what the tests of pages have in common.
import { samples as account } from '../../interactions/account/samples.tsx';
import { samples as approve } from '../../interactions/approve/samples.tsx';
import { samples as consent } from '../../interactions/consent/samples.tsx';
import { samples as device } from '../../interactions/device/samples.tsx';
import { samples as enrol } from '../../interactions/enrol/samples.tsx';
import { samples as help } from '../../interactions/help/samples.tsx';
import type { View } from '../../interactions/layout.tsx';
import { samples as login } from '../../interactions/login/samples.tsx';
import { samples as recovery } from '../../interactions/recovery/samples.tsx';
import type { Sample } from '../../interactions/samples.ts';
import { samples as system } from '../../interactions/system/samples.tsx';
import { wordsOf } from '../../interactions/words.ts';

/** All of them, in the order in which a person meets them. */
export const SAMPLES: readonly Sample[] = [
  login,
  approve,
  enrol,
  consent,
  device,
  account,
  recovery,
  system,
  help,
].flat();

/** A view for samples. */
export function sampleView(language: string, more: Partial<View> = {}): View {
  return {
    words: wordsOf(language),
    nonce: 'sample-nonce',
    assets: { url: (entry) => `/assets/${entry}` },
    brand: {
      name: 'Countersign',
      colours: {},
      links: [{ name: 'Privacy', url: 'https://id.example/privacy' }],
      support: { email: 'help@example.org' },
      help: { topics: {}, links: [] },
    } as View['brand'],
    notices: [],
    here: '/interaction/sample',
    ...more,
  };
}
