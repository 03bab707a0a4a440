// Real Chromium for tests: desktops and phones, a camera that sees what a desktop shows, and what the browser complained about.
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axe, { type AxeResults } from 'axe-core';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Locator,
  type Page,
} from 'playwright-core';
import { findProgram } from './servers.ts';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Two windows of one test must both go on while only one is in front.
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
];

/**
 * `shell`: Chromium without windows, the same engine at a fifth of the processor time, where it is there. `whole`: as people have it,
 * for notifications, and for the journeys that all others are short for.
 */
export type BrowserKind = 'shell' | 'whole';

const WHOLE = ['chromium', 'chromium-browser', 'google-chrome'];

function executable(kind: BrowserKind): string {
  const named = process.env.CHROMIUM;
  const programs = kind === 'whole' ? WHOLE : ['chromium-headless-shell', ...WHOLE];
  const executablePath = named !== undefined && named !== '' ? named : findProgram(...programs);
  if (executablePath === undefined)
    throw new Error('Chromium is not on this machine; `npm test` installs it or says how');
  return executablePath;
}

async function launch(kind: BrowserKind, more: string[]): Promise<Browser> {
  return chromium.launch({ executablePath: executable(kind), args: [...FLAGS, ...more] });
}

const shared: { [kind in BrowserKind]?: Promise<Browser> } = {};

/** The one Chromium of a kind in this run; mocha ends it with its own process. */
export async function sharedBrowser(kind: BrowserKind = 'shell'): Promise<Browser> {
  shared[kind] ??= launch(kind, []);
  return shared[kind];
}

// ── Desktops and phones ────────────────────────────────────────────────────────────────────────────────────────────

const DESKTOP: BrowserContextOptions = { viewport: { width: 1280, height: 800 }, locale: 'en-GB' };
const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  isMobile: true,
  hasTouch: true,
  locale: 'en-GB',
};

/** A desktop browser with cookies of its own. Close it at the end of the test. */
export async function desktop(options: BrowserContextOptions = {}, kind?: BrowserKind): Promise<BrowserContext> {
  return (await sharedBrowser(kind)).newContext({ ...DESKTOP, ...options });
}

/** A phone's browser with storage of its own, in a Chromium that no other phone uses meanwhile: the camera is a flag of the whole process. */
export interface TestPhone {
  context: BrowserContext;
  /** What its camera sees when it is switched on the next time. */
  camera: Camera;
  close(): Promise<void>;
}

/**
 * A phone with a camera.
 * @param options.camera `refused`: the person says no; `none`: the phone has no camera.
 * @param options.profile the folder that its storage is kept in, for a phone that is switched off and on, or copied.
 */
export async function phone(
  options: { camera?: CameraKind; context?: BrowserContextOptions; profile?: string; browser?: BrowserKind } = {},
): Promise<TestPhone> {
  const kind = options.camera ?? 'allowed';
  const asked = { ...PHONE, permissions: kind === 'refused' ? [] : ['camera'], ...options.context };
  const { context, camera, stop } = options.profile
    ? await kept(options.profile, kind, asked, options.browser)
    : await fresh(kind, asked, options.browser);
  paper ??= whitePaper();
  camera.show(await paper);
  return { context, camera, close: stop };
}

type CameraKind = 'allowed' | 'refused' | 'none';

/** What the person answers to the browser's question is a flag too: without windows there is nobody to ask. */
const flagsOf = (camera: Camera, kind: CameraKind) =>
  kind === 'none'
    ? []
    : [
        '--use-fake-device-for-media-stream',
        `--use-file-for-fake-video-capture=${camera.file}`,
        `--use-fake-ui-for-media-stream${kind === 'refused' ? '=deny' : ''}`,
      ];

/** Chromiums that no phone uses now, with the camera that each was started with: to start one takes a second. */
const idle: { browser: Browser; camera: Camera; kind: CameraKind; of: BrowserKind }[] = [];
process.once('exit', () => {
  for (const { camera } of idle) camera.close();
});

async function fresh(kind: CameraKind, asked: BrowserContextOptions, of: BrowserKind = 'shell') {
  const place = idle.findIndex((one) => one.kind === kind && one.of === of && one.browser.isConnected());
  const [waiting] = place === -1 ? [] : idle.splice(place, 1);
  const camera = waiting?.camera ?? new Camera();
  const browser = waiting?.browser ?? (await launch(of, flagsOf(camera, kind)));
  const context = await browser.newContext(asked);
  const stop = async () => {
    await context.close();
    idle.push({ browser, camera, kind, of });
  };
  return { context, camera, stop };
}

async function kept(profile: string, kind: CameraKind, asked: BrowserContextOptions, of: BrowserKind = 'shell') {
  const camera = new Camera();
  const how = { ...asked, executablePath: executable(of), args: [...FLAGS, ...flagsOf(camera, kind)] };
  const context = await chromium.launchPersistentContext(profile, how);
  const stop = async () => {
    await context.close();
    camera.close();
  };
  return { context, camera, stop };
}

let paper: Promise<Uint8Array> | undefined;

/** What the camera sees until it is pointed at something. */
async function whitePaper(): Promise<Uint8Array> {
  const browser = await sharedBrowser();
  const page = await browser.newPage({ viewport: { width: 640, height: 480 } });
  try {
    return await page.screenshot({ type: 'jpeg' });
  } finally {
    await page.close();
  }
}

// ── The camera ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** Shows a phone's camera what a person would hold it in front of. Chromium reads the picture when the camera is switched on. */
export class Camera {
  readonly #folder = mkdtempSync(join(tmpdir(), 'countersign-camera-'));
  readonly file = join(this.#folder, 'seen.mjpeg');

  /** Takes a picture of an element, a QR code say, with what is around it. */
  async pointAt(target: Locator): Promise<void> {
    await target.scrollIntoViewIfNeeded();
    const box = await target.boundingBox();
    const view = target.page().viewportSize();
    if (box === null || view === null) throw new Error('the camera is pointed at something that is not on the page');
    const [width, height] = [Math.min(640, view.width), Math.min(480, view.height)];
    const x = clamp(box.x + box.width / 2 - width / 2, view.width - width);
    const y = clamp(box.y + box.height / 2 - height / 2, view.height - height);
    this.show(await target.page().screenshot({ type: 'jpeg', quality: 90, clip: { x, y, width, height } }));
  }

  /** Shows one JPEG picture: it is a valid film of one frame. */
  show(jpeg: Uint8Array): void {
    // Chromium maps the file into its memory: never write into the one that it may be reading.
    writeFileSync(`${this.file}.next`, jpeg);
    renameSync(`${this.file}.next`, this.file);
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function clamp(value: number, highest: number): number {
  return Math.round(Math.max(0, Math.min(value, highest)));
}

// ── What must not happen on a page ─────────────────────────────────────────────────────────────────────────────────

/** What a context complained about and whom it talked to. */
export interface Complaints {
  /** Console errors (broken CSP among them) and uncaught errors of scripts. */
  errors: string[];
  /** Addresses of other origins than the allowed ones. */
  foreign: string[];
}

/**
 * Collects complaints of every page of a context from now on.
 * @param origins those that the pages may talk to.
 * @param expected console errors that the test provokes, such as the browser's own line about a 401.
 */
export function listenTo(context: BrowserContext, origins: string[], expected: RegExp[] = []): Complaints {
  const complaints: Complaints = { errors: [], foreign: [] };
  const note = (text: string) => {
    if (!expected.some((pattern) => pattern.test(text))) complaints.errors.push(text);
  };
  context.on('console', (message) => {
    if (message.type() === 'error') note(`${message.text()} (${message.location().url})`);
  });
  context.on('weberror', (error) => note(`${error.error().stack ?? error.error().message}`));
  context.on('request', (request) => {
    const url = new URL(request.url());
    const outside = url.protocol.startsWith('http') || url.protocol.startsWith('ws');
    if (outside && !origins.includes(url.origin)) complaints.foreign.push(url.href);
  });
  return complaints;
}

/** Rules beyond axe's usual set that the house asks for: contrast of 7:1 and touch targets. */
const RULES = { 'color-contrast-enhanced': { enabled: true }, 'target-size': { enabled: true } };

/** What axe finds wrong on a page, one line per finding: rule, sentence, elements. Empty is right. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  // Evaluated through the debugger, so a strict CSP with nonces stays as it is.
  await page.evaluate(axe.source);
  const run = `axe.run(document, { rules: ${JSON.stringify(RULES)}, resultTypes: ['violations'] })`;
  const { violations }: AxeResults = await page.evaluate(run);
  return violations.map(
    (fault) => `${fault.id}: ${fault.help} [${fault.nodes.map((node) => node.target.join(' ')).join(', ')}]`,
  );
}

/** Pictures of a page in light and dark at 360 and 1280 px, under `test-results/`, for somebody to look at. */
export async function takePictures(page: Page, name: string): Promise<string[]> {
  const before = page.viewportSize() ?? { width: 1280, height: 800 };
  const pictures: string[] = [];
  await mkdir('test-results', { recursive: true });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const width of [360, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      const path = join('test-results', `${name}-${colorScheme}-${width}.png`);
      await page.screenshot({ path, fullPage: true });
      pictures.push(path);
    }
  }
  await page.emulateMedia({ colorScheme: null });
  await page.setViewportSize(before);
  return pictures;
}
