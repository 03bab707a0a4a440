// A short buzz where the phone can and the person has touched the app: browsers refuse it before.

/** @param ms how long. */
export function buzz(ms: number): void {
  if (navigator.userActivation?.hasBeenActive !== false) navigator.vibrate?.(ms);
}
