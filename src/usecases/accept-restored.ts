// After the database was restored from a backup: phones that approved since then know a newer ratchet than we do, and would be taken for copies.
import type { World } from '../domain/ports.ts';

/**
 * Takes whatever ratchet each phone brings next, once, with its PIN or biometric; from then on a copy is noticed again.
 * Phones that were locked as copies stay locked.
 * @returns how many phones.
 */
export async function acceptRestored({ records }: Pick<World, 'records'>): Promise<number> {
  const phones = await records.devices.reopenRatchets();
  await records.audit.record({ event: 'database_restored', outcome: 'success', detail: { phones } });
  return phones;
}
