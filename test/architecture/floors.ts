// The floor table of the house: a file imports its own floor or a lower one. `phone/` is a building of its own.

/** Folders by floor, the cellar first. The longest matching path counts. */
export const FLOORS: readonly { readonly floor: number; readonly paths: readonly string[] }[] = [
  { floor: 0, paths: ['src/protocol/', 'src/platform/'] },
  { floor: 1, paths: ['src/domain/'] },
  { floor: 2, paths: ['src/usecases/', 'src/settings/'] },
  { floor: 3, paths: ['src/storage/', 'src/push/', 'src/notify/', 'migrations/'] },
  { floor: 4, paths: ['src/provider/', 'src/web/'] },
  { floor: 5, paths: ['interactions/', 'src/api/'] },
  { floor: 6, paths: ['src/app/', 'src/cli/'] },
  { floor: 7, paths: ['src/main.ts'] },
];

/** All of the server that the phone shares: the wire, and the colours and sizes of the look. */
export const SHARED_WITH_PHONE = ['src/protocol/', 'interactions/assets/tokens.css'];

/** Where time and dice may be taken from the machine itself: below the ports, and in programs that run elsewhere (a phone, a browser). */
export const MAY_ASK_THE_MACHINE = /^(src\/platform\/|phone\/|src\/cli\/phone[a-z-]*\.ts$)/;

/** The scripts of the pages: they run in a browser. */
export const BROWSER_SCRIPT = /\/script\.ts$/;

/** File names that say nothing about what is inside. */
export const EMPTY_NAMES = /(^|[/-])(utils?|helpers?|common|misc)\.(ts|tsx)$/;
