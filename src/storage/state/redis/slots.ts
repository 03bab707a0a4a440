// Which hash slot of a Redis Cluster a key lies in (Redis Cluster specification, "Key distribution model" and "Hash tags").

/** Slots of every cluster. */
export const SLOTS = 16_384;

/** CRC-16/XMODEM, as the specification has it. */
function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  }
  return crc;
}

/** The slot of a key; where it has a hash tag (`{…}`, not empty), of that alone. */
export function slotOf(key: string): number {
  const open = key.indexOf('{');
  const end = open < 0 ? -1 : key.indexOf('}', open + 1);
  const hashed = end > open + 1 ? key.slice(open + 1, end) : key;
  return crc16(Buffer.from(hashed)) % SLOTS;
}

/** Found by trying, some ten thousand times each: kept, and no more of them than there are slots. */
const tags = new Map<number, string>();

/** A short text that lies in a slot: as a hash tag it puts a key of ours there. */
export function tagOf(slot: number): string {
  const known = tags.get(slot);
  if (known !== undefined) return known;
  for (let number = 0; ; number += 1) {
    const text = number.toString(36);
    if (slotOf(text) !== slot) continue;
    tags.set(slot, text);
    return text;
  }
}
