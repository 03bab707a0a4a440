// Reads QR codes off video frames: the browser's own detector first, our own copy of the ZXing reader where there is none.
import wasmUrl from 'zxing-wasm/reader/zxing_reader.wasm?url';

/** Finds the text of a QR code in a video frame. */
export interface QrReader {
  read(video: HTMLVideoElement): Promise<string | undefined>;
}

interface Detector {
  detect(source: CanvasImageSource): Promise<{ rawValue: string }[]>;
}
interface DetectorClass {
  new (options: { formats: string[] }): Detector;
  getSupportedFormats(): Promise<string[]>;
}

/** Longer side of the picture that is searched: enough for our densest code, cheap enough for an old phone. */
const LONGEST_SIDE = 1024;

async function nativeReader(): Promise<QrReader | undefined> {
  const Native = (globalThis as { BarcodeDetector?: DetectorClass }).BarcodeDetector;
  if (!Native) return undefined;
  try {
    if (!(await Native.getSupportedFormats()).includes('qr_code')) return undefined;
    const detector = new Native({ formats: ['qr_code'] });
    return { read: async (video) => (await detector.detect(video))[0]?.rawValue };
  } catch {
    return undefined;
  }
}

async function wasmReader(): Promise<QrReader> {
  const { prepareZXingModule, readBarcodes } = await import('zxing-wasm/reader');
  // Without this the library asks a content delivery network for its wasm.
  await prepareZXingModule({ overrides: { locateFile: () => wasmUrl }, fireImmediately: true });
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('no canvas');
  return {
    async read(video) {
      const scale = Math.min(1, LONGEST_SIDE / Math.max(video.videoWidth, video.videoHeight));
      canvas.width = Math.round(video.videoWidth * scale);
      canvas.height = Math.round(video.videoHeight * scale);
      if (canvas.width === 0 || canvas.height === 0) return undefined;
      context.drawImage(video, 0, 0, canvas.width, canvas.height);
      const picture = context.getImageData(0, 0, canvas.width, canvas.height);
      const found = await readBarcodes(picture, { formats: ['QRCode'], tryHarder: true, maxNumberOfSymbols: 1 });
      return found[0]?.text || undefined;
    },
  };
}

/** The best reader of this browser. @throws where neither can be had: offline before it was ever loaded. */
export async function openQrReader(): Promise<QrReader> {
  return (await nativeReader()) ?? wasmReader();
}

/** Fetches the reader before it is needed, so that the camera also works without a network. */
export async function warmQrReader(): Promise<void> {
  if (await nativeReader()) return;
  await Promise.allSettled([import('zxing-wasm/reader'), fetch(wasmUrl, { credentials: 'omit' })]);
}
