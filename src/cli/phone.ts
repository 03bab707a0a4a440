// `countersign phone …`: a headless phone on the command line. It needs no browser and no configuration, only the server's address.
import type { Command } from 'commander';
import type { PendingTransaction } from '../protocol/messages.ts';
import { pinProblem } from '../protocol/pin.ts';
import { HeadlessPhone, PhoneCannot } from './phone-headless.ts';
import { fileStore } from './phone-state.ts';
import { PhoneProblem } from './phone-wire.ts';
import { sayProblem } from './phone-words.ts';

export { type EnrolBy, type HeadlessOptions, HeadlessPhone, PhoneCannot } from './phone-headless.ts';
export { fileStore, memoryStore, type PhoneState, type PhoneStore } from './phone-state.ts';
export { PhoneProblem, Unreachable } from './phone-wire.ts';

const HELP = `
Each state file holds one account. It stands in for the storage of a real phone, where no program can
read the keys: whoever can read this file and knows the PIN can approve sign-ins. Keep it to yourself.
The PIN can also come from the variable COUNTERSIGN_PHONE_PIN, which other people on this machine do not see.

Exit codes: 0 done, 1 refused, 2 wrong use, 3 server not reached, 4 PIN, 5 phone locked, removed or not
enrolled, 6 request over, 7 wrong number or code.`;

interface StateOption {
  state: string;
}
interface PinOption extends StateOption {
  pin?: string;
}

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Adds the `phone` commands to the program. */
export function addPhoneCommands(program: Command): void {
  const phone = program
    .command('phone')
    .description('a phone without a screen, for tests and for building against Countersign');
  phone.addHelpText('after', HELP);
  // Wrong use is 2, as the help says; commander has said what is wrong.
  phone.exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2));
  const command = (usage: string, description: string) =>
    phone
      .command(usage)
      .description(description)
      .requiredOption('--state <file>', 'where this phone keeps its keys (mode 0600)');
  const withPin = (usage: string, description: string) =>
    command(usage, description).option('--pin <digits>', 'the PIN');

  withPin('enrol [link]', 'add this phone: by the link in the QR code, or by the typed code')
    .option('--code <code>', 'the typed code')
    .option('--login <name>', 'sign-in name, with --code')
    .option('--server <origin>', 'address of the phone app, with --code')
    .action((link: string | undefined, options: EnrolOptions) =>
      run(options, (one) => enrol(one, link, options), options.server),
    );
  command('list', 'requests that wait for this phone')
    .option('--json', 'as JSON')
    .action((options: StateOption & { json?: true }) =>
      run(options, async (one) => {
        const { transactions } = await one.pending();
        if (options.json) print(JSON.stringify(transactions, null, 2));
        else if (transactions.length === 0) print('No request waits for this phone.');
        else transactions.forEach(show);
      }),
    );
  command('watch', 'show requests as they arrive, until Ctrl-C').action((options: StateOption) => run(options, watch));
  withPin('approve [txn]', 'approve a request: its id, its link, or the only one that waits')
    .option('--number <digits>', 'the number that the browser shows')
    .action((txn: string | undefined, options: PinOption & { number?: string }) =>
      run(options, async (one) => {
        const request = await choose(one, txn);
        show(request);
        const { number } = options;
        await one.approve(request, { pin: pinOf(options), ...(number === undefined ? {} : { number }) });
        print('Approved. The browser goes on by itself.');
      }),
    );
  withPin('claim <link>', 'scan the QR code of a sign-in and approve it').action((link: string, options: PinOption) =>
    run(options, async (one) => {
      const request = await one.claim(link);
      show(request);
      await one.approve(request, { pin: pinOf(options) });
      print('Approved. The browser goes on by itself.');
    }),
  );
  command('open <link>', 'open a sign-in by its link; approve it with its number').action(
    (link: string, options: StateOption) => run(options, async (one) => show(await one.open(link))),
  );
  command('deny [txn]', 'deny a request').action((txn: string | undefined, options: StateOption) =>
    run(options, async (one) => {
      await one.deny(await choose(one, txn));
      print('Denied.');
    }),
  );
  command('report [txn]', 'it was not me: deny, pause push, and tell by mail').action(
    (txn: string | undefined, options: StateOption) =>
      run(options, async (one) => {
        await one.report(await choose(one, txn));
        print('Reported. We stopped this sign-in. Please change your password.');
      }),
  );
  withPin('code <link>', 'the eight digits for the browser, made without a network').action(
    (link: string, options: PinOption) =>
      run(options, async (one) => {
        const { code, context } = await one.offlineCode(link, pinOf(options));
        print(`${context.rp}, from ${context.browser}, at ${new Date(context.at * 1000).toISOString()}`);
        print(`${code.slice(0, 4)} ${code.slice(4)}`);
      }),
  );
  command('self', 'what the server knows of this phone').action((options: StateOption) =>
    run(options, async (one) => print(JSON.stringify(await one.self(), null, 2))),
  );
  command('rename <name>', 'give this phone another name').action((name: string, options: StateOption) =>
    run(options, async (one) => print(`This phone is called "${await one.rename(name)}" now.`)),
  );
  command('unlink', 'take this phone off the account and delete its keys').action((options: StateOption) =>
    run(options, async (one) => {
      await one.unlink();
      print('This phone is off the account; its keys are deleted.');
    }),
  );
  withPin('change-pin', 'set a new PIN')
    .requiredOption('--new-pin <digits>', 'the new PIN')
    .action((options: PinOption & { newPin: string }) => run(options, (one) => changePin(one, options)));
}

interface EnrolOptions extends PinOption {
  code?: string;
  login?: string;
  server?: string;
}

async function enrol(phone: HeadlessPhone, link: string | undefined, options: EnrolOptions): Promise<void> {
  const { code, login } = options;
  if (link === undefined && (code === undefined || login === undefined))
    usage('give a LINK, or --code with --login and --server');
  const offer = await phone.begin(link === undefined ? { code: code ?? '', login: login ?? '' } : { link });
  print(`Adding this phone as "${offer.device_name}" to ${offer.account}.`);
  const result = await phone.complete(pinOf(options));
  if (result.state === 'active') print('This phone is ready.');
  else print(`Type this number into the account page: ${result.check}`);
}

async function changePin(phone: HeadlessPhone, options: PinOption & { newPin: string }): Promise<void> {
  const { pin } = await phone.metadata();
  const problem = pinProblem(options.newPin, pin);
  if (problem)
    usage(problem === 'weak' ? 'this PIN is too easy to guess' : `a PIN has ${pin.min} to ${pin.max} digits`);
  await phone.changePin(pinOf(options), options.newPin);
  print('The PIN is changed.');
}

async function watch(phone: HeadlessPhone): Promise<void> {
  const end = new AbortController();
  process.once('SIGINT', () => end.abort());
  const seen = new Set<string>();
  await phone.watch(({ transactions }) => {
    for (const request of transactions) {
      if (!seen.has(request.txn)) show(request);
      seen.add(request.txn);
    }
  }, end.signal);
}

/** The request that was named by id or link, or the only one that waits. */
async function choose(phone: HeadlessPhone, txn: string | undefined): Promise<PendingTransaction> {
  if (txn?.includes('#')) return phone.open(txn);
  const { transactions } = await phone.pending();
  if (txn !== undefined) return transactions.find((one) => one.txn === txn) ?? phone.open(txn);
  const [only, ...others] = transactions;
  if (!only) throw new PhoneCannot('nothing_pending');
  if (others.length > 0) throw new PhoneCannot('several_pending');
  return only;
}

function show({ txn, kind, ctx, number_required }: PendingTransaction): void {
  const place = [ctx.browser, ctx.ip, ctx.country].filter((part) => part !== undefined).join(', ');
  const what = kind === 'stepup' ? 'asks for more proof' : 'asks you to sign in';
  print(`${txn}  ${ctx.rp} ${what} (level ${ctx.level}), from ${place}, at ${new Date(ctx.at * 1000).toISOString()}`);
  if (number_required) print('  Needs the number that the browser shows (--number).');
}

function pinOf({ pin }: PinOption): string {
  const typed = pin ?? process.env.COUNTERSIGN_PHONE_PIN;
  if (typed === undefined || !/^[0-9]+$/.test(typed))
    usage('give the PIN by --pin or by COUNTERSIGN_PHONE_PIN; it has digits only');
  return typed;
}

function usage(sentence: string): never {
  process.stderr.write(`error: ${sentence}\n`);
  process.exit(2);
}

/** Runs one command on the phone of a state file; refusals become a sentence and an exit code. */
async function run(
  { state }: StateOption,
  work: (phone: HeadlessPhone) => Promise<void>,
  origin?: string,
): Promise<void> {
  const phone = new HeadlessPhone({
    state: fileStore(state),
    ...(origin === undefined ? {} : { origin: new URL(origin).origin }),
  });
  try {
    await work(phone);
  } catch (error) {
    if (error instanceof PhoneProblem && error.code === 'device_removed') await phone.forget();
    const said = sayProblem(error);
    if (!said) throw error;
    process.stderr.write(`${said.sentence}\n`);
    process.exitCode = said.exit;
  }
}
