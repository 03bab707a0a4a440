// The test browser itself: the phone's camera reads what the desktop shows, and complaints are noticed.
import { createServer } from 'node:http';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import QRCode from 'qrcode';
import { accessibilityFaults, desktop, listenTo, phone } from './browser.ts';
import { freePort } from './servers.ts';

/** Serves one HTML page under a strict CSP. */
async function serve(html: string): Promise<{ origin: string; close(): void }> {
  const port = await freePort();
  const server = createServer((_request, response) => {
    response.setHeader(
      'content-security-policy',
      "default-src 'none'; img-src data:; connect-src http://127.0.0.1:9; style-src 'nonce-a'",
    );
    response.setHeader('content-type', 'text/html');
    response.end(html);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { origin: `http://localhost:${port}`, close: () => server.close() };
}

const PAGE = (body: string) =>
  `<!doctype html><html lang="en"><title>Test</title><main><h1>Test</h1>${body}</main></html>`;

/** Switches the camera on and answers how many dark and light pixels it sees, and the size of the picture. */
async function look(page: Page): Promise<{ dark: number; light: number; width: number }> {
  return page.evaluate(async () => {
    const stream = await navigator.mediaDevices.getUserMedia({ video: true });
    const video = document.createElement('video');
    video.srcObject = stream;
    await video.play();
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    const pen = canvas.getContext('2d');
    if (pen === null) throw new Error('no canvas');
    pen.drawImage(video, 0, 0);
    const { data } = pen.getImageData(0, 0, video.videoWidth, video.videoHeight);
    let dark = 0;
    let light = 0;
    for (let at = 0; at < data.length; at += 4) {
      if ((data[at] ?? 0) < 64) dark += 1;
      if ((data[at] ?? 0) > 192) light += 1;
    }
    for (const track of stream.getTracks()) track.stop();
    return { dark, light, width: video.videoWidth };
  });
}

describe('support: browser', () => {
  it("feeds the phone's camera with what the desktop shows, anew each time it is switched on", async () => {
    const png = await QRCode.toDataURL('https://id.example/phone/#e1.AAAAAAAAAAAAAAAAAAAAAA', { width: 300 });
    const site = await serve(PAGE(`<img alt="code" src="${png}">`));
    const [context, mobile] = [await desktop(), await phone()];
    try {
      const [page, seen] = [await context.newPage(), await mobile.context.newPage()];
      await page.goto(site.origin);
      await seen.goto(site.origin);
      expect((await look(seen)).dark).to.equal(0);
      await mobile.camera.pointAt(page.getByAltText('code'));
      const picture = await look(seen);
      expect(picture.dark).to.be.greaterThan(5000);
      expect(picture.light).to.be.greaterThan(5000);
    } finally {
      await Promise.all([context.close(), mobile.close()]);
      site.close();
    }
  }).timeout(30_000);

  it('has phones whose camera is refused', async () => {
    const site = await serve(PAGE(''));
    const mobile = await phone({ camera: 'refused' });
    try {
      const page = await mobile.context.newPage();
      await page.goto(site.origin);
      const said = await look(page).catch((error: unknown) => String(error));
      expect(said).to.match(/NotAllowedError|Permission denied/);
    } finally {
      await mobile.close();
      site.close();
    }
  });

  it('notices broken CSP, requests to others and what axe finds', async () => {
    const site = await serve(PAGE('<p style="color: red">styled</p><img src="http://127.0.0.1:9/pixel.png">'));
    const context = await desktop();
    try {
      const complaints = listenTo(context, [site.origin]);
      const page = await context.newPage();
      await page.goto(site.origin);
      await page.evaluate(() => fetch('http://127.0.0.1:9/away').catch(() => {}));
      expect(complaints.errors.join('\n')).to.match(/Content Security Policy/);
      expect(complaints.foreign).to.include('http://127.0.0.1:9/away');
      expect((await accessibilityFaults(page)).join('\n')).to.match(/image-alt/);
    } finally {
      await context.close();
      site.close();
    }
  });
});
