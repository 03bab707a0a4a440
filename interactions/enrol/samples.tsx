// Samples of the pages that add a phone.
import type { VNode } from 'preact';
import type { View } from '../layout.tsx';
import { type Sample, SAMPLE_SERVICE as service } from '../samples.ts';
import {
  ConfirmPage,
  DonePage,
  EndedPage,
  InvitationPage,
  MailCodePage,
  MailPage,
  NameAndPinPage,
  OfferShown,
  OperatorPage,
  SignInFrame,
} from './page.tsx';
import type { EnrolPlace } from './place.ts';

const at = '/interaction/sample/enrol';

function placeOf(view: View): EnrolPlace {
  return {
    userId: 'sample',
    session: 'sample',
    base: at,
    at,
    view,
    hidden: {},
    proven: false,
    why: view.words('enrol.why_first', { service: service.name }),
    frame: (step) => SignInFrame({ view, service, cancel: '/interaction/sample/approve/cancel', ...step }),
    done: async () => {},
  };
}

const sample = (name: string, page: (place: EnrolPlace) => VNode): Sample => ({
  name: `enrol-${name}`,
  page: (view) => page(placeOf(view)),
});

const pin = { setup: 'browser' as const, min: 6, max: 6 };
const to = 'a…@example.org';
const offer = {
  link: 'https://id.example/phone/#e1.AAECAwQFBgcICQoLDA0ODw',
  code: 'K7M2P-9XQ4T',
  login: 'ada@example.org',
  setup: 'browser' as const,
  appAddress: 'https://id.example/phone/',
  onPhone: false,
  left: 277,
  whole: 300,
};

export const samples: readonly Sample[] = [
  sample('mail', (place) => MailPage({ place, to })),
  sample('mail-no-address', (place) => MailPage({ place, to: undefined })),
  sample('mail-too-many', (place) =>
    MailPage({ place, to, problem: { key: 'enrol.too_many', values: { minutes: 12 } } }),
  ),
  sample('mail-code', (place) => MailCodePage({ place, to })),
  sample('mail-code-wrong', (place) =>
    MailCodePage({ place, to, problem: { key: 'enrol.mail_wrong', values: { remaining: 1 } } }),
  ),
  sample('invitation', (place) => InvitationPage({ place })),
  sample('invitation-wrong', (place) => InvitationPage({ place, problem: { key: 'enrol.invitation_wrong' } })),
  sample('operator', (place) => OperatorPage({ place, contact: 'help@example.org' })),
  sample('name', (place) => NameAndPinPage({ place, pin })),
  sample('name-phone-pin', (place) => NameAndPinPage({ place, pin: { ...pin, setup: 'phone' } })),
  sample('name-weak-pin', (place) =>
    NameAndPinPage({ place, pin, name: 'Blue phone', problem: { field: 'pin', said: { key: 'enrol.pin_weak' } } }),
  ),
  sample('name-trouble', (place) => NameAndPinPage({ place, pin, trouble: { key: 'enrol.too_many_devices' } })),
  sample('offer', (place) => OfferShown({ place, state: 'shown', ...offer })),
  sample('offer-same-phone', (place) => OfferShown({ place, state: 'shown', ...offer, onPhone: true })),
  sample('scanned', (place) => OfferShown({ place, state: 'scanned', ...offer })),
  sample('confirm', (place) => ConfirmPage({ place, left: 250, whole: 300 })),
  sample('confirm-wrong', (place) =>
    ConfirmPage({ place, left: 200, whole: 300, problem: { key: 'enrol.confirm_wrong', values: { remaining: 2 } } }),
  ),
  sample('contested', (place) => EndedPage({ place, end: 'contested' })),
  sample('expired', (place) => EndedPage({ place, end: 'expired' })),
  sample('cancelled', (place) => EndedPage({ place, end: 'cancelled' })),
  sample('done', (place) => DonePage({ place, device: 'Blue phone' })),
];
