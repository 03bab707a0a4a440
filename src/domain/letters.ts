// What a mail about an account can be about. No letter holds a secret or a link that signs in; the words stand in src/notify/locales.

/** What a letter can be about. */
export type Letter =
  | { about: 'device_added'; device: string }
  | { about: 'device_removed'; device: string }
  | { about: 'device_locked'; device: string }
  | { about: 'device_unlocked'; device: string }
  | { about: 'device_cloned'; device: string }
  | { about: 'pin_changed'; device: string }
  | { about: 'biometric_added'; device: string }
  | { about: 'biometric_removed'; device: string }
  | { about: 'enrolment_second_phone'; device: string }
  | { about: 'sign_in_reported'; service: string; browser: string }
  | { about: 'offline_closed' }
  | { about: 'signed_in_after_failures' }
  | { about: 'second_factor_failed' }
  | { about: 'password_closed' }
  | { about: 'password_changed' };
