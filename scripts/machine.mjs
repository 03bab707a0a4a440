// The programs that tests need on the machine: found, or installed on Debian and Ubuntu, or told how to install.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { run } from './install.mjs';

/** What is needed, the variable that names one elsewhere, the programs one of which will do, and the packages that have it. */
const NEEDS = [
  {
    what: 'PostgreSQL',
    variable: 'TEST_DATABASE_URL',
    programs: ['postgres'],
    debian: ['postgresql'],
    brew: ['postgresql@17'],
  },
  {
    what: 'Redis',
    variable: 'TEST_REDIS_URL',
    programs: ['redis-server', 'valkey-server'],
    debian: ['redis-server'],
    brew: ['redis'],
  },
  {
    what: 'Chromium',
    variable: 'CHROMIUM',
    programs: ['chromium', 'chromium-browser', 'google-chrome'],
    // Without a font every page is empty boxes.
    debian: ['chromium', 'fonts-liberation'],
    brew: ['chromium'],
  },
  // The same engine at a fifth of the processor time: most tests run in it. Where there is no such package Chromium runs them all.
  {
    what: 'Chromium without windows',
    variable: 'CHROMIUM',
    programs: ['chromium-headless-shell'],
    debian: ['chromium-headless-shell'],
    // Ubuntu has none.
    debianOnly: 'not its kin',
  },
  // Checks the rules that deploy/ gives to Prometheus.
  { what: 'promtool', variable: '', programs: ['promtool'], debian: ['prometheus'], brew: ['prometheus'] },
  // Makes the throw-away certificate authority of the tests over https.
  { what: 'OpenSSL', variable: '', programs: ['openssl'], debian: ['openssl'], brew: ['openssl'] },
  // The proxies that stand before several nodes, run with the very files of deploy/.
  { what: 'nginx', variable: '', programs: ['nginx'], debian: ['nginx-light'], brew: ['nginx'] },
  { what: 'HAProxy', variable: '', programs: ['haproxy'], debian: ['haproxy'], brew: ['haproxy'] },
  // The second phone, in another language than ours.
  {
    what: 'Python with cryptography',
    variable: '',
    programs: ['python3'],
    module: 'cryptography',
    debian: ['python3', 'python3-cryptography'],
    brew: ['python', 'cryptography'],
  },
  // Checks the unit of deploy/; nothing of it is started.
  {
    what: 'systemd-analyze',
    variable: '',
    programs: ['systemd-analyze'],
    debian: ['systemd'],
    brew: [],
    debianOnly: true,
  },
  // Clients of the pages in docs/relying-services/ that are Debian's own packages: run there, and nowhere else.
  {
    what: 'Authlib and Flask',
    variable: '',
    programs: ['python3'],
    python: '/usr/bin/python3',
    module: 'authlib, flask, requests',
    debian: ['python3', 'python3-authlib', 'python3-flask', 'python3-requests'],
    debianOnly: true,
  },
  {
    what: 'Apache with mod_auth_openidc',
    variable: '',
    programs: ['apache2'],
    file: '/usr/lib/apache2/modules/mod_auth_openidc.so',
    // Without the package apache2 nothing is started on the machine.
    debian: ['apache2-bin', 'libapache2-mod-auth-openidc'],
    debianOnly: true,
  },
];

/** Whether one of its programs is there, with the module or the file that it needs. */
const isThere = ({ programs, module, file, python = programs[0] }, findProgram) =>
  findProgram(...programs) !== undefined &&
  (file === undefined || existsSync(file)) &&
  (module === undefined || spawnSync(python, ['-c', `import ${module}`]).status === 0);

const named = (variable) => (process.env[variable] ?? '') !== '';

/**
 * Makes sure that every program is there.
 * @param {(...names: string[]) => string | undefined} findProgram
 * @param {(child: import('node:child_process').ChildProcess) => void} onStart told of each program that is run for it.
 * @returns {Promise<boolean>} false where something is missing and cannot be installed from here; the commands are on the screen.
 */
export async function haveEverything(findProgram, onStart) {
  // Servers are started for tests that restart them, even where the usual ones are named.
  const missing = NEEDS.filter((need) => {
    const elsewhere = need.variable === 'CHROMIUM' && named(need.variable);
    const here = !need.debianOnly || isDebian(need.debianOnly === 'not its kin');
    return here && !elsewhere && !isThere(need, findProgram);
  });
  if (missing.length === 0) return true;
  const names = missing.map(({ what }) => what).join(', ');
  if (isDebian() && process.getuid?.() === 0) {
    const packages = missing.flatMap(({ debian }) => debian);
    console.log(`${names}: not on this machine; installing ${packages.join(' ')} with apt-get …`);
    return (await aptInstall(packages, onStart)) && missing.every((need) => isThere(need, findProgram));
  }
  console.error(`${names}: not on this machine. Install it and run the tests again:`);
  for (const line of commands(missing)) console.error(`  ${line}`);
  return false;
}

/** @param itself Ubuntu and the like are not. */
function isDebian(itself = false) {
  const known = itself ? /^ID=debian$/m : /^ID(_LIKE)?=.*(debian|ubuntu)/m;
  return existsSync('/etc/os-release') && known.test(readFileSync('/etc/os-release', 'utf8'));
}

async function aptInstall(packages, onStart) {
  const options = { env: { DEBIAN_FRONTEND: 'noninteractive' }, onStart };
  if ((await run('apt-get', ['update', '-q'], options)) !== 0) return false;
  return (await run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], options)) === 0;
}

function commands(missing) {
  if (process.platform === 'darwin') return [`brew install ${missing.flatMap(({ brew }) => brew).join(' ')}`];
  const packages = missing.flatMap(({ debian }) => debian).join(' ');
  if (isDebian()) return ['sudo apt-get update', `sudo apt-get install -y --no-install-recommends ${packages}`];
  const programs = missing.map((need) => need.programs.join(' or ')).join('; ');
  return [
    `(your system's package manager) programs that must be on the PATH: ${programs}`,
    'CHROMIUM=/path/to/chromium names a browser elsewhere',
  ];
}
