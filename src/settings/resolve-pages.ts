// devices.yaml and branding.yaml: what people see.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { originFault, webFault } from './addresses.ts';
import type { Document } from './document.ts';
import type { Reading } from './reading.ts';
import type { BrandingFile } from './sections/branding.ts';
import type { DevicesFile } from './sections/devices.ts';
import type { MethodsFile } from './sections/methods.ts';
import { present } from './sections/pieces.ts';
import type { BrandingSettings, DeviceSettings, ServerSettings } from './settings.ts';

const LEAST_ITERATIONS = 600_000;

/** The rules of phones. @param writtenIssuer the issuer before PORT moved it: an app origin that equals it moves along. */
export function resolveDevices(
  reading: Reading,
  document: Document,
  file: DevicesFile,
  server: ServerSettings,
  writtenIssuer: string,
): DeviceSettings {
  const rule = file.app_origin === undefined ? undefined : originFault(file.app_origin);
  if (rule !== undefined) document.problem(['app_origin'], rule);
  const { enabled, contact, hosts } = file.push;
  if (contact !== undefined && !/^(?:https:\/\/|mailto:)./.test(contact))
    document.problem(['push', 'contact'], 'must be an https address or "mailto:" with a mail address');
  if (file.pin.min > file.pin.max) document.problem(['pin', 'min'], 'must not be greater than pin.max');
  if (file.kdf_iterations < LEAST_ITERATIONS && !reading.demo) {
    document.problem(['kdf_iterations'], `must be at least ${LEAST_ITERATIONS} (fewer only with demo: true)`);
  }
  const appOrigin =
    file.app_origin === undefined || file.app_origin === writtenIssuer ? server.issuer : file.app_origin;
  if (!reading.demo && appOrigin === server.issuer) {
    document.note(
      ['app_origin'],
      'the phone app shares the origin of the sign-in pages; an origin of its own is safer',
    );
  }
  return {
    appOrigin,
    pin: file.pin,
    kdfIterations: file.kdf_iterations,
    numberDigits: file.number_digits,
    accountsPerDevice: file.accounts_per_device,
    devicesPerAccount: file.devices_per_account,
    offline: file.offline,
    push: { enabled, hosts, ...present({ contact }) },
    contextIp: file.context_ip,
  };
}

/** How pages look. */
export function resolveBranding(reading: Reading, document: Document, file: BrandingFile): BrandingSettings {
  const { name, logo_file, colours, links, support, help } = file;
  const logo = logo_file === undefined ? undefined : resolve(reading.folder, logo_file);
  if (logo !== undefined && !/\.(svg|png)$/i.test(logo))
    document.problem(['logo_file'], 'must be an .svg or .png file');
  else if (logo !== undefined && !existsSync(logo)) document.problem(['logo_file'], 'names a file that does not exist');
  const web = (path: (string | number)[], url: string | undefined) => {
    const fault = url === undefined ? undefined : webFault(url);
    if (fault !== undefined) document.problem(path, fault);
  };
  links.forEach(({ url }, index) => {
    web(['links', index, 'url'], url);
  });
  web(['support', 'url'], support?.url);
  web(['help', 'url'], help.url);
  help.links.forEach(({ url }, index) => {
    web(['help', 'links', index, 'url'], url);
  });
  for (const [topic, url] of Object.entries(help.topics)) web(['help', 'topics', topic], url);
  return {
    name,
    help: { topics: present(help.topics), links: help.links, ...present({ url: help.url }) },
    colours: present({ accent: colours.accent, accentDark: colours.accent_dark }),
    links,
    ...(logo === undefined ? {} : { logoFile: logo }),
    ...(support === undefined ? {} : { support: present(support) }),
  };
}

/** What the figures of argon2id must reach (OWASP ASVS 5.0 appendix C, and the cheaper pair of its cheat sheet). */
export function checkMethods(reading: Reading, document: Document, { password, phone }: MethodsFile): void {
  const strong = password.memory_kib >= 47_104 || (password.memory_kib >= 19_456 && password.passes >= 2);
  if (!strong && !reading.demo) {
    document.problem(
      ['password', 'memory_kib'],
      'must be at least 47104, or at least 19456 with 2 passes (less only with demo: true)',
    );
  }
  if (!password.enabled && !phone.enabled)
    document.problem(['password', 'enabled'], 'at least one method must be enabled');
}
