// The camera: looks for one of our codes, says plainly why there is no picture, and always leaves the way of typing.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { readScan } from '../../src/protocol/links.ts';
import { useApp } from '../app-context.ts';
import { type CameraProblem, closeCamera, hasTorch, openCamera, setTorch } from '../camera/open-camera.ts';
import { openQrReader } from '../camera/qr-reader.ts';
import { scanFrames } from '../camera/scan-frames.ts';
import { buzz } from '../parts/buzz.ts';
import { Frame } from '../parts/frame.tsx';
import { Icon } from '../parts/icons.tsx';
import { Notice } from '../parts/notice.tsx';

type State = 'starting' | 'preparing' | 'looking' | CameraProblem | 'reader';

/** Scans a code. @param want `account`: the person is adding an account, so the words speak of that. */
export function Scan({ want }: { want: 'account' | 'anything' }): JSX.Element {
  const { words, become } = useApp();
  const { say } = words;
  const video = useRef<HTMLVideoElement>(null);
  const [state, setState] = useState<State>('starting');
  const [mistake, setMistake] = useState<string>();
  const [attempt, setAttempt] = useState(0);
  const [stream, setStream] = useState<MediaStream>();
  const seen = useSeen(setMistake);
  // The camera starts once for each attempt.
  useEffect(() => {
    const picture = video.current;
    return picture ? lookForCodes(picture, { state: setState, stream: setStream, seen }) : undefined;
  }, [attempt]);
  const running = state === 'starting' || state === 'preparing' || state === 'looking';
  return (
    <Frame
      title={say('scan.title')}
      actions={
        <>
          {!running && (
            <button type="button" class="primary wide" onClick={() => setAttempt(attempt + 1)}>
              {say('app.again')}
            </button>
          )}
          {want === 'account' && (
            <button type="button" class="secondary wide" onClick={() => become({ name: 'type' })}>
              <Icon name="keyboard" />
              <span>{say('scan.type')}</span>
            </button>
          )}
        </>
      }
    >
      {mistake && <Notice mood="error">{mistake}</Notice>}
      {!running && <NoPicture state={state} />}
      <div class={running ? 'camera' : 'camera camera-off'}>
        <video ref={video} autoplay muted playsInline aria-label={say('scan.picture')} />
        <div class="camera-aim" aria-hidden="true" />
        {stream && hasTorch(stream) && <Torch stream={stream} />}
      </div>
      {running && (
        <p class="soft centred" role="status">
          {state === 'looking' ? say(want === 'account' ? 'scan.hint.enrol' : 'scan.hint') : say(`scan.${state}`)}
        </p>
      )}
      {!running && want === 'anything' && <p class="soft">{say('scan.without')}</p>}
    </Frame>
  );
}

/** What to do with a text that the camera saw: our own links lead on, everything else is told. */
function useSeen(tell: (mistake: string) => void): (text: string) => void {
  const { words, become, accounts, services } = useApp();
  return (text) => {
    const link = readScan(text, services.origin);
    if ('problem' in link) {
      const host = link.problem === 'other_server' ? new URL(text).host : '';
      return tell(words.say(`scan.${link.problem}`, { host, own: new URL(services.origin).host }));
    }
    buzz(40);
    if (link.kind === 'enrol') return become({ name: 'enrol', ticket: { token: link.token } });
    if (accounts.length === 0) return become({ name: 'arrived', arrival: { kind: 'open', txn: link.txn } });
    if (link.kind === 'open') return become({ name: 'find', seen: { kind: 'open', txn: link.txn } });
    const { txn, i, mac } = link;
    become({ name: 'find', seen: { kind: 'claim', txn, i, mac }, link });
  };
}

interface Looking {
  state(state: State): void;
  stream(stream: MediaStream | undefined): void;
  seen(text: string): void;
}

/** Switches the camera on and looks for codes until it is called off; the camera is off while nobody sees the app. */
function lookForCodes(video: HTMLVideoElement, tell: Looking): () => void {
  let over = false;
  let stop: () => void = () => undefined;
  const start = async () => {
    tell.state('starting');
    const camera = await openCamera();
    if (over) return camera.ok ? closeCamera(camera.stream) : undefined;
    if (!camera.ok) return tell.state(camera.why);
    let stopLooking: () => void = () => undefined;
    stop = () => {
      stopLooking();
      closeCamera(camera.stream);
      video.srcObject = null;
      tell.stream(undefined);
      stop = () => undefined;
    };
    video.srcObject = camera.stream;
    await video.play().catch(() => undefined);
    tell.stream(camera.stream);
    tell.state('preparing');
    const reader = await openQrReader().catch(() => undefined);
    if (over) return;
    if (!reader) {
      stop();
      return tell.state('reader');
    }
    tell.state('looking');
    stopLooking = scanFrames(reader, video, tell.seen);
  };
  const shownOrHidden = () => (document.hidden ? stop() : void start());
  void start();
  document.addEventListener('visibilitychange', shownOrHidden);
  return () => {
    over = true;
    document.removeEventListener('visibilitychange', shownOrHidden);
    stop();
  };
}

function NoPicture({ state }: { state: CameraProblem | 'reader' }): JSX.Element {
  const { say } = useApp().words;
  const key = state === 'reader' ? 'scan.reader' : (`scan.camera.${state}` as const);
  return (
    <Notice mood="warn">
      <strong>{say(key)}</strong>
      <p>{say(`${key}.text`)}</p>
    </Notice>
  );
}

function Torch({ stream }: { stream: MediaStream }): JSX.Element {
  const { say } = useApp().words;
  const [on, setOn] = useState(false);
  const toggle = () => {
    void setTorch(stream, !on);
    setOn(!on);
  };
  return (
    <button type="button" class="secondary torch" aria-pressed={on} onClick={toggle}>
      {say(on ? 'scan.torch.off' : 'scan.torch.on')}
    </button>
  );
}
