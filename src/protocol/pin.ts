// Which PINs are too easy to guess: one rule for the account page and for the phone (protocol section 4, E1).

const COMMON_PINS = new Set([
  '1004',
  '1010',
  '1122',
  '1212',
  '1313',
  '2001',
  '2580',
  '4321',
  '5683',
  '6969',
  '0852',
  '112233',
  '121212',
  '123123',
  '123321',
  '131313',
  '159753',
  '147258',
  '123654',
  '520520',
  '696969',
  '789456',
  '142536',
  '010203',
  '102030',
  '246810',
  '135790',
]);

/** Why a PIN is refused before it is ever used. */
export type PinProblem = 'not_digits' | 'too_short' | 'too_long' | 'weak';

/**
 * Why a PIN is too easy: the provider's page and the phone app say so in plain words (protocol section 4, E1).
 * @returns undefined for a good PIN.
 */
export function pinProblem(pin: string, bounds: { min: number; max: number }): PinProblem | undefined {
  if (!/^[0-9]*$/.test(pin)) return 'not_digits';
  if (pin.length < bounds.min) return 'too_short';
  if (pin.length > bounds.max) return 'too_long';
  const digits = [...pin].map(Number);
  const steps = digits.slice(1).map((digit, index) => (digit - (digits[index] ?? 0) + 10) % 10);
  const oneStep = new Set(steps).size <= 1 && [0, 1, 9].includes(steps[0] ?? 0);
  const year = pin.length === 4 && /^(19|20)/.test(pin);
  const repeated = /^(\d{1,3})\1+$/.test(pin) && pin.length > 3;
  return oneStep || year || repeated || COMMON_PINS.has(pin) ? 'weak' : undefined;
}
