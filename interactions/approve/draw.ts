// Draws a QR code into the page as one SVG path, keeping one size from frame to frame.
import { qrPath } from './qr-path.ts';

const SVG = 'http://www.w3.org/2000/svg';
const versions = new WeakMap<HTMLElement, number>();

/** Replaces the code in `paper` by the code of `text`. */
export function drawInto(paper: HTMLElement, text: string): void {
  // Three more digits may stand in a later frame: the version leaves room, so that the code never jumps under the camera.
  const version = versions.get(paper) ?? qrPath(`${text}00`).version;
  versions.set(paper, version);
  const { size, path } = qrPath(text, version);
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', `0 0 ${size} ${size}`);
  svg.setAttribute('shape-rendering', 'crispEdges');
  svg.setAttribute('aria-hidden', 'true');
  svg.append(part(`M0 0h${size}v${size}H0z`, '#ffffff'), part(path, '#000000'));
  paper.replaceChildren(svg);
}

function part(path: string, fill: string): SVGPathElement {
  const element = document.createElementNS(SVG, 'path');
  element.setAttribute('d', path);
  element.setAttribute('fill', fill);
  return element;
}
