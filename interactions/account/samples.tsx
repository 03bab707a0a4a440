// Samples of the account page.
import type { Device } from '../../src/domain/device.ts';
import type { View } from '../layout.tsx';
import type { Sample } from '../samples.ts';
import { type Framing, HomePage, PasswordPage, RemovePage, RenamePage, SignInAgainPage, UnlockPage } from './page.tsx';

const framing = (view: View): Framing => ({
  view,
  user: { name: 'Ada Lovelace', login: 'ada@example.org' },
  csrf: 'sample',
});

function phone(more: Partial<Device>): Device {
  return {
    id: 'd_AAECAwQFBgcICQoLDA0ODw',
    userId: 'sample',
    name: 'Blue phone',
    publicJwk: { kty: 'EC', crv: 'P-256', x: '', y: '' },
    platform: 'Chrome on Android',
    state: 'active',
    salt: '',
    kdf: { name: 'PBKDF2-SHA256', iterations: 600_000 },
    pinFailures: 0,
    addedAt: Date.UTC(2026, 10, 24, 9, 30),
    push: true,
    biometric: false,
    ...more,
  };
}

const blue = phone({ lastUsedAt: Date.UTC(2026, 10, 24, 10, 5) });
const locked = phone({
  id: 'd_BBECAwQFBgcICQoLDA0ODw',
  name: 'Old phone in the kitchen drawer',
  state: 'locked',
  lockReason: 'pin',
});
const cloned = phone({ id: 'd_CCECAwQFBgcICQoLDA0ODw', name: 'Tablet', state: 'locked', lockReason: 'cloned' });

export const samples: readonly Sample[] = [
  { name: 'account-no-phone', page: (view) => HomePage({ framing: framing(view), phones: [], always: false }) },
  {
    name: 'account-one-phone',
    page: (view) => HomePage({ framing: framing(view), phones: [blue], always: false, notice: 'device_added' }),
  },
  {
    name: 'account-locked',
    page: (view) =>
      HomePage({ framing: framing(view), phones: [blue, locked, cloned], always: true, notice: 'not_fresh' }),
  },
  {
    name: 'account-services',
    page: (view) =>
      HomePage({
        framing: framing(view),
        phones: [blue],
        services: [
          { clientId: 'photos', name: 'Photo prints', givenAt: Date.UTC(2026, 10, 24, 9, 30) },
          { clientId: 'gone', name: 'gone', givenAt: Date.UTC(2026, 9, 2, 9, 30) },
        ],
        always: false,
        notice: 'service_removed',
      }),
  },
  { name: 'account-rename', page: (view) => RenamePage({ framing: framing(view), device: blue }) },
  {
    name: 'account-rename-again',
    page: (view) => RenamePage({ framing: framing(view), device: blue, typed: 'Green phone', again: true }),
  },
  {
    name: 'account-rename-empty',
    page: (view) => RenamePage({ framing: framing(view), device: blue, typed: '', error: 'enrol.name_empty' }),
  },
  { name: 'account-remove', page: (view) => RemovePage({ framing: framing(view), device: blue, last: false }) },
  { name: 'account-remove-last', page: (view) => RemovePage({ framing: framing(view), device: blue, last: true }) },
  { name: 'account-unlock', page: (view) => UnlockPage({ framing: framing(view), device: locked }) },
  { name: 'account-password', page: (view) => PasswordPage({ framing: framing(view), minLength: 12 }) },
  {
    name: 'account-password-wrong',
    page: (view) =>
      PasswordPage({
        framing: framing(view),
        minLength: 12,
        error: { field: 'current', text: view.words('account.password_wrong') },
      }),
  },
  { name: 'account-refused', page: (view) => SignInAgainPage({ view, why: 'refused' }) },
  { name: 'account-password-changed', page: (view) => SignInAgainPage({ view, why: 'password_changed' }) },
  { name: 'account-signed-out-everywhere', page: (view) => SignInAgainPage({ view, why: 'everywhere' }) },
];
