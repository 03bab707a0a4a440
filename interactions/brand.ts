// The operator's colours as CSS: only values that are colours, with a text colour that can be read on them.

const HEX = /^#[0-9a-f]{6}$/i;

/** Relative luminance of `#rrggbb` (WCAG 2.2). */
export function luminance(hex: string): number {
  const channel = (from: number) => {
    const value = Number.parseInt(hex.slice(from, from + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
}

/** Contrast of two colours, 1 to 21 (WCAG 2.2). */
export function contrast(a: string, b: string): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

/** Black or white, whichever is read better on a colour. */
function textOn(accent: string): string {
  return contrast(accent, '#ffffff') >= contrast(accent, '#000000') ? '#ffffff' : '#000000';
}

function rule(accent: string): string {
  return `:root{--accent:${accent};--accent-strong:${accent};--on-accent:${textOn(accent)}}`;
}

/** A style sheet that sets the accent; empty where the operator set none (or something that is no colour, which the settings refuse before). */
export function brandStyle(colours: { accent?: string; accentDark?: string }): string {
  const { accent, accentDark } = colours;
  const light = accent !== undefined && HEX.test(accent) ? rule(accent) : '';
  const dark =
    accentDark !== undefined && HEX.test(accentDark) ? `@media (prefers-color-scheme:dark){${rule(accentDark)}}` : '';
  // A light accent alone must not reach the dark scheme, where it was never looked at.
  return (light === '' ? '' : `@media (prefers-color-scheme:light){${light}}`) + dark;
}
