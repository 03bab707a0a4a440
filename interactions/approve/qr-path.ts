// A QR code as one SVG path: the same drawing on the server (first paint, pages without JavaScript) and in the page's script.
// The code itself without the renderers, which bring a PNG library along.
import { create } from 'qrcode/lib/core/qrcode.js';

/** Modules of white around the code (ISO/IEC 18004: four). */
export const QUIET_ZONE = 4;

/** A drawn code: `size` modules a side with the quiet zone, the dark modules as a path, and the version it took. */
export interface QrPath {
  size: number;
  path: string;
  version: number;
}

/**
 * Draws a text at level M.
 * @param version the least version to use: frames of one rotating code keep one size by it.
 */
export function qrPath(text: string, version?: number): QrPath {
  const code = create(text, { errorCorrectionLevel: 'M', ...(version === undefined ? {} : { version }) });
  const { size, data } = code.modules;
  let path = '';
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      if (!data[y * size + x]) continue;
      const start = x;
      while (x + 1 < size && data[y * size + x + 1]) x += 1;
      path += `M${start + QUIET_ZONE} ${y + QUIET_ZONE}h${x + 1 - start}v1h-${x + 1 - start}z`;
    }
  }
  return { size: size + 2 * QUIET_ZONE, path, version: code.version };
}

/** The code as a picture of its own: black on white in every scheme. The mark-up holds numbers only, never the text. */
export function qrSvg(text: string): string {
  const { size, path } = qrPath(text);
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges" aria-hidden="true" focusable="false">` +
    `<path fill="#ffffff" d="M0 0h${size}v${size}H0z"/><path fill="#000000" d="${path}"/></svg>`
  );
}
