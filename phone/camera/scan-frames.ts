// Looks at frame after frame until a code is seen or the person leaves.
import type { QrReader } from './qr-reader.ts';

/** Pause between two looks, in milliseconds: a rotating code changes once a second. */
const BETWEEN = 90;

/**
 * Calls back with each text that differs from the one before, until stopped.
 * @returns stops looking.
 */
export function scanFrames(reader: QrReader, video: HTMLVideoElement, seen: (text: string) => void): () => void {
  let stopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last: string | undefined;
  const look = async () => {
    try {
      if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && !document.hidden) {
        const text = await reader.read(video);
        if (!stopped && text && text !== last) {
          last = text;
          seen(text);
        }
      }
    } catch {
      // A frame that cannot be read is no reason to stop looking.
    }
    if (!stopped) timer = setTimeout(look, BETWEEN);
  };
  void look();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
