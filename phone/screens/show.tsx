// Which component shows which screen: the one table.
import type { JSX } from 'preact';
import { Approve } from './approve.tsx';
import { Arrived } from './arrived.tsx';
import { Biometric } from './biometric.tsx';
import { ChangePin, Forgotten } from './change-pin.tsx';
import { Check } from './check.tsx';
import { Code } from './code.tsx';
import { Enrol } from './enrol.tsx';
import { Find } from './find.tsx';
import { Help } from './help.tsx';
import { Home } from './home.tsx';
import { Evicted, Problem } from './problem.tsx';
import { Rename } from './rename.tsx';
import { Scan } from './scan.tsx';
import type { Screen } from './screen.ts';
import { Settings } from './settings.tsx';
import { TypeCode } from './type-code.tsx';
import { Unlink } from './unlink.tsx';
import { Welcome } from './welcome.tsx';

/** The component of a screen. */
export function show(screen: Screen): JSX.Element {
  switch (screen.name) {
    case 'home':
      return <Home />;
    case 'welcome':
      return <Welcome />;
    case 'arrived':
      return <Arrived arrival={screen.arrival} />;
    case 'scan':
      return <Scan want={screen.want} />;
    case 'type':
      return <TypeCode />;
    case 'enrol':
      return <Enrol ticket={screen.ticket} />;
    case 'check':
      return <Check device={screen.device} />;
    case 'find':
      return <Find seen={screen.seen} link={screen.link} />;
    case 'approve':
      return <Approve device={screen.device} request={screen.request} link={screen.link} />;
    case 'code':
      return <Code link={screen.link} why={screen.why} />;
    case 'settings':
      return <Settings />;
    case 'rename':
      return <Rename device={screen.device} />;
    case 'unlink':
      return <Unlink device={screen.device} />;
    case 'pin':
      return <ChangePin device={screen.device} />;
    case 'biometric':
      return <Biometric device={screen.device} />;
    case 'forgotten':
      return <Forgotten device={screen.device} />;
    case 'help':
      return <Help />;
    case 'problem':
      return <Problem failure={screen.failure} again={screen.again} whose={screen.whose} />;
    case 'evicted':
      return <Evicted count={screen.count} />;
  }
}
