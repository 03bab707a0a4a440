// The phone's camera, and why it may not be there, as values that the screen has words for.

/** Why there is no picture. */
export type CameraProblem = 'none' | 'refused' | 'in_use' | 'insecure' | 'failed';

/** A picture from the camera that looks away from the person, where there is one. */
export async function openCamera(): Promise<{ ok: true; stream: MediaStream } | { ok: false; why: CameraProblem }> {
  if (!window.isSecureContext) return { ok: false, why: 'insecure' };
  if (!navigator.mediaDevices?.getUserMedia) return { ok: false, why: 'none' };
  try {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: { ideal: 'environment' }, width: { ideal: 1280 }, height: { ideal: 960 } },
    });
    return { ok: true, stream };
  } catch (error) {
    return { ok: false, why: problemOf(error) };
  }
}

function problemOf(error: unknown): CameraProblem {
  switch (error instanceof DOMException ? error.name : '') {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'refused';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'none';
    case 'NotReadableError':
    case 'AbortError':
      return 'in_use';
    default:
      return 'failed';
  }
}

/** Switches the camera off: its light goes out. */
export function closeCamera(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

type Torch = MediaTrackCapabilities & { torch?: boolean };

/** Whether the camera has a light that we may switch. */
export function hasTorch(stream: MediaStream): boolean {
  const track = stream.getVideoTracks()[0];
  return (track?.getCapabilities?.() as Torch | undefined)?.torch === true;
}

/** Switches the camera's light. */
export async function setTorch(stream: MediaStream, on: boolean): Promise<void> {
  const constraints = { advanced: [{ torch: on } as MediaTrackConstraintSet] };
  await stream
    .getVideoTracks()[0]
    ?.applyConstraints(constraints)
    .catch(() => undefined);
}
