// Every rule of the settings, with the exact line that the operator reads: file, line, column, key, rule, value.
import { expect } from 'chai';
import { type Files, problemsOf, productionSecrets } from './folders.ts';

interface Case {
  what: string;
  files: Files;
  says: string[];
}

const payroll = (...lines: string[]) => ({ 'clients/payroll.yaml': ['client_id: payroll', ...lines, ''].join('\n') });
const web = 'redirect_uris: [https://payroll.example.org/callback]';
const open = 'token_endpoint_auth_method: none';

const FORM: Case[] = [
  {
    what: 'an unknown key, with the nearest known one',
    files: { 'lifetimes.yaml': '# a comment\nacces_token: 5m\n' },
    says: ['lifetimes.yaml:2:1: acces_token: is not a key that we know; did you mean "access_token"?'],
  },
  {
    what: 'an unknown key further down, with all known ones where none is near',
    files: { 'lifetimes.yaml': 'session:\n  forever: true\n' },
    says: ['lifetimes.yaml:2:3: session.forever: is not a key that we know; keys here are absolute, idle'],
  },
  {
    what: 'an unknown key in a list',
    files: { 'branding.yaml': 'links:\n  - { name: Terms, ulr: x, url: https://example.org/ }\n' },
    says: ['branding.yaml:2:20: links[0].ulr: is not a key that we know; did you mean "url"?'],
  },
  {
    what: 'an unknown key below a name of the operator',
    files: { 'resources/a.yaml': 'identifier: https://a.example.org\nname: A\nscopes:\n  read:\n    levle: mfa\n' },
    says: ['resources/a.yaml:5:5: scopes.read.levle: is not a key that we know; did you mean "level"?'],
  },
  {
    what: 'a missing key',
    files: { 'resources/a.yaml': 'name: A\n' },
    says: ['resources/a.yaml:1:1: identifier: is required'],
  },
  {
    what: 'a number where text belongs',
    files: { 'branding.yaml': 'name: 7\n' },
    says: ['branding.yaml:1:1: name: must be text (put it in quotes) (it is 7)'],
  },
  {
    what: 'text where a number belongs',
    files: { 'methods.yaml': 'password:\n  passes: "two"\n' },
    says: ['methods.yaml:2:3: password.passes: must be a number (it is "two")'],
  },
  {
    what: 'a broken number',
    files: { 'methods.yaml': 'password: { passes: 1.5 }\n' },
    says: ['methods.yaml:1:13: password.passes: must be a whole number (it is 1.5)'],
  },
  {
    what: 'a word where true or false belongs',
    files: { 'devices.yaml': 'app_origin: https://app.example.org\noffline: perhaps\n' },
    says: ['devices.yaml:2:1: offline: must be true or false (it is "perhaps")'],
  },
  {
    what: 'a word that is none of the choices',
    files: { 'methods.yaml': 'first_device: trust\n' },
    says: ['methods.yaml:1:1: first_device: must be one of mail_code, invitation, operator (it is "trust")'],
  },
  {
    what: 'a list where a map belongs',
    files: { 'lifetimes.yaml': 'session: [1h]\n' },
    says: ['lifetimes.yaml:1:1: session: must be a map of keys (it is […])'],
  },
  {
    what: 'a text where the whole file should be a map',
    files: { 'lifetimes.yaml': 'nothing\n' },
    says: ['lifetimes.yaml:1:1: must be a map of keys (it is [secret])'],
  },
  {
    what: 'a duration without a unit',
    files: { 'lifetimes.yaml': 'code: 60\n' },
    says: ['lifetimes.yaml:1:1: code: must be a duration such as "30s", "5m", "12h" or "90d" (it is 60)'],
  },
  {
    what: 'a duration out of bounds',
    files: { 'lifetimes.yaml': 'session:\n  idle: 1h\n\ncode: 1h\n' },
    says: ['lifetimes.yaml:4:1: code: must be from 10s to 10m (it is "1h")'],
  },
  {
    what: 'a number that is too small, and one that is too large',
    files: { 'limits.yaml': 'push_short: { points: 0 }\npush_day: { points: 10000000 }\n' },
    says: [
      'limits.yaml:1:15: push_short.points: must be at least 1 (it is 0)',
      'limits.yaml:2:13: push_day.points: must be at most 1000000 (it is 10000000)',
    ],
  },
  {
    what: 'an empty text and an empty list',
    files: { 'levels.yaml': 'levels:\n  - name: a\n    acr: [""]\n    any_of: []\n' },
    says: [
      'levels.yaml:3:11: levels[0].acr[0]: must not be empty (it is "")',
      'levels.yaml:4:5: levels[0].any_of: must have at least 1 entries (it is […])',
    ],
  },
];

const SYNTAX: Case[] = [
  {
    what: 'a key that stands twice',
    files: { 'lifetimes.yaml': 'code: 60s\ncode: 30s\n' },
    says: ['lifetimes.yaml:2:1: this key stands here twice: keep one'],
  },
  {
    what: 'two documents in one file',
    files: { 'lifetimes.yaml': 'code: 60s\n---\ncode: 30s\n' },
    says: ['lifetimes.yaml:2:1: one file holds one document: remove the line "---" in the middle'],
  },
  {
    what: 'a tab as indentation',
    files: { 'lifetimes.yaml': 'session:\n\tidle: 1h\n' },
    says: ['lifetimes.yaml:2:1: indent with spaces, not with tabs'],
  },
  {
    what: 'a quote that is not closed',
    files: { 'branding.yaml': 'name: "Open\n' },
    says: ['branding.yaml:2:1: a character is missing here (a closing quote, bracket or colon)'],
  },
  {
    what: 'an alias without an anchor',
    files: { 'branding.yaml': 'name: *star\n' },
    says: ['branding.yaml:1:7: this "*alias" was never set by an "&anchor"; put the text in quotes if it is none'],
  },
  {
    what: 'a tag',
    files: { 'branding.yaml': 'name: !js x\n' },
    says: ['branding.yaml:1:7: tags ("!name") are not used here: put the text in quotes'],
  },
  {
    what: 'aliases that grow without end',
    files: {
      'branding.yaml': `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefgh'
        .split('')
        .map((name, index) => {
          const before = 'abcdefgh'[index];
          return `${name}: &${name} [${Array(9).fill(`*${before}`).join(',')}]`;
        })
        .join('\n')}\n`,
    },
    says: ['branding.yaml: its aliases ("*name") cannot be followed: write the values out'],
  },
  {
    what: 'a file that nothing reads, and a folder',
    files: { 'limit.yaml': 'x: 1\n', 'hints.yml': 'x: 1\n', 'client/a.yaml': 'x: 1\n', 'README.md': 'hello' },
    says: [
      'client: nothing reads this folder; did you mean "clients"?',
      'hints.yml: nothing reads this file; files here are server.yaml, storage.yaml, keys.yaml, levels.yaml, methods.yaml, devices.yaml, lifetimes.yaml, branding.yaml, notices.yaml, mail.yaml, limits.yaml, outbound.yaml',
      'limit.yaml: nothing reads this file; did you mean "limits.yaml"?',
    ],
  },
];

const SERVER: Case[] = [
  {
    what: 'no issuer',
    files: { 'server.yaml': 'port: 3000\n' },
    says: ['server.yaml:1:1: issuer: is required'],
  },
  {
    what: 'an issuer over http',
    files: { 'server.yaml': 'issuer: http://id.example.org\n' },
    says: [
      'server.yaml:1:1: issuer: must start with https:// (http:// only for localhost) (it is "http://id.example.org")',
    ],
  },
  {
    what: 'an issuer with a slash at the end',
    files: { 'server.yaml': 'issuer: https://id.example.org/\n' },
    says: [
      'server.yaml:1:1: issuer: must be an origin: no path, no slash at the end, small letters, such as "https://id.example.org" (it is "https://id.example.org/")',
    ],
  },
  {
    what: 'an issuer that is no address',
    files: { 'server.yaml': 'issuer: id.example.org\n' },
    says: ['server.yaml:1:1: issuer: must be an address such as "https://id.example.org" (it is "id.example.org")'],
  },
  {
    what: 'the demo on a real address',
    files: { 'server.yaml': 'issuer: https://id.example.org\ndemo: true\n' },
    says: ['server.yaml:2:1: demo: demo: true works only with an issuer on localhost (it is true)'],
  },
  {
    what: 'POST at the authorization endpoint without https',
    files: { 'server.yaml': 'issuer: http://localhost:3000\npost_authorization: true\n' },
    says: ['server.yaml:2:1: post_authorization: needs an https issuer: its cookies are SameSite=None (it is true)'],
  },
  {
    what: 'proxies that are no networks, or everybody',
    files: {
      'server.yaml':
        'issuer: https://id.example.org\ntrusted_proxies:\n  - 10.0.0.0/8\n  - fd00::/8\n  - 10.0.0.1\n  - 10.0.0.0/33\n  - proxy\n  - 0.0.0.0/0\n',
    },
    says: [
      'server.yaml:6:5: trusted_proxies[3]: must be a network such as 10.0.0.0/8 or an address (it is "10.0.0.0/33")',
      'server.yaml:7:5: trusted_proxies[4]: must be a network such as 10.0.0.0/8 or an address (it is "proxy")',
      'server.yaml:8:5: trusted_proxies[5]: would believe everybody: name the networks of your proxies (it is "0.0.0.0/0")',
    ],
  },
  {
    what: 'certificates that are not there, or of no use',
    files: {
      'server.yaml': 'issuer: http://localhost:3000\ntls:\n  cert_file: ./cert.pem\n  key_file: ./key.pem\n',
    },
    says: [
      'server.yaml:2:1: tls: with a certificate the issuer starts with https:// (it is {…})',
      'server.yaml:3:3: tls.cert_file: names a file that does not exist (it is "./cert.pem")',
      'server.yaml:4:3: tls.key_file: names a file that does not exist (it is "./key.pem")',
    ],
  },
];

const STORAGE: Case[] = [
  {
    what: 'an address of another kind of server',
    files: {
      'storage.yaml': 'database: { url: "mysql://db.example.org/app" }\nstate: { url: "http://redis.example.org" }\n',
    },
    says: [
      'storage.yaml:1:13: database.url: must start with postgres:// or postgresql://',
      'storage.yaml:2:10: state.url: must start with redis:// or rediss://',
    ],
  },
  {
    what: 'a kind without its address',
    files: { 'storage.yaml': 'database: { kind: postgres }\nstate: { kind: redis }\n' },
    says: [
      "storage.yaml:1:1: database: needs url, url_file or the environment's DATABASE_URL (it is {…})",
      "storage.yaml:2:1: state: needs url, url_file or the environment's REDIS_URL (it is {…})",
    ],
  },
  {
    what: 'embedded with an address',
    files: { 'storage.yaml': 'state:\n  kind: embedded\n  url: redis://redis.example.org\n' },
    says: ['storage.yaml:2:3: state.kind: is "embedded", but an address is written too: keep one (it is "embedded")'],
  },
  {
    what: 'a well-known password of a database',
    files: { 'storage.yaml': 'database:\n  url: postgres://app:postgres@db.example.org/app\n' },
    says: ['storage.yaml:2:3: database.url: has a well-known password: choose a random one'],
  },
  {
    what: 'servers of Redis that are none, and two forms at once',
    files: {
      'storage.yaml':
        'state:\n  url: redis://redis.example.org\n  cluster:\n    nodes: [redis-1, "redis-2.example.org:6379"]\n    password: redis\n',
    },
    says: [
      'storage.yaml:1:1: state: url and cluster are all written: keep one',
      'storage.yaml:4:13: state.cluster.nodes[0]: must be host:port, such as "redis-1.example.org:6379" (it is "redis-1")',
      'storage.yaml:5:5: state.cluster.password: is well known: choose a random one',
    ],
  },
  {
    what: 'a Sentinel without the name of its primary, beside embedded',
    files: { 'storage.yaml': 'state:\n  kind: embedded\n  sentinel: { nodes: ["a:26379"] }\n' },
    says: ['storage.yaml:3:3: state.sentinel.name: is required'],
  },
  {
    what: 'a secret written twice',
    files: { 'storage.yaml': 'database:\n  url: postgres://db.example.org/app\n  url_file: /run/secrets/database\n' },
    says: [
      'storage.yaml:3:3: database.url_file: url and url_file are both written: keep one (it is "/run/secrets/database")',
    ],
  },
  {
    what: 'mail without a sender and without a way',
    files: { 'mail.yaml': '{}\n' },
    says: [
      'mail.yaml:1:1: from: is required: the sender of our mails',
      'mail.yaml:1:1: transport: is required: how mail leaves (kind: smtp with url_file)',
    ],
  },
  {
    what: 'mail on the console in production, and keys of the other kind',
    files: {
      'mail.yaml': 'from: a@example.org\ntransport:\n  kind: outbox\n  console: true\n  url: smtp://x.example.org\n',
    },
    says: [
      'mail.yaml:4:3: transport.console: prints codes and links that let people in: only with demo: true (it is true)',
      'mail.yaml:5:3: transport.url: belongs to kind: smtp',
    ],
  },
  {
    what: 'a mail server without an address, or with a wrong one',
    files: { 'mail.yaml': 'from: nobody\ntransport:\n  kind: smtp\n  folder: ./x\n' },
    says: [
      'mail.yaml:1:1: from: must be an address, such as "Sign-in <no-reply@example.org>" (it is "nobody")',
      'mail.yaml:2:1: transport: kind: smtp needs url or url_file (it is {…})',
      'mail.yaml:4:3: transport.folder: belongs to kind: outbox (it is "./x")',
    ],
  },
];

const LEVELS: Case[] = [
  {
    what: 'names and acr values that are there twice, or have spaces',
    files: {
      'levels.yaml': [
        'levels:',
        '  - { name: one, acr: [urn:a], any_of: [[password]] }',
        '  - { name: one, acr: ["urn:b c", urn:a], any_of: [[phone]] }',
        '',
      ].join('\n'),
    },
    says: [
      'levels.yaml:3:7: levels[1].name: another level has this name (it is "one")',
      'levels.yaml:3:24: levels[1].acr[0]: must not have spaces: acr_values is a list with spaces between (it is "urn:b c")',
      'levels.yaml:3:35: levels[1].acr[1]: is already an acr value of "one" (it is "urn:a")',
    ],
  },
  {
    what: 'a method that does not exist',
    files: { 'levels.yaml': 'levels:\n  - name: one\n    acr: [urn:a]\n    any_of:\n      - [password, sms]\n' },
    says: [
      'levels.yaml:5:20: levels[0].any_of[0][1]: must be one of password, phone, passkey, security_key, totp (it is "sms")',
    ],
  },
  {
    what: 'no level that can be reached',
    files: { 'levels.yaml': 'levels:\n  - { name: high, acr: [urn:a], any_of: [[passkey]] }\n' },
    says: [
      'levels.yaml:1:1: levels: no level can be reached with the methods that are enabled in methods.yaml (it is […])',
    ],
  },
  {
    what: 'a level that is not declared, and one that nobody can reach',
    files: {
      ...payroll(web, open, 'minimum_level: gold'),
      'resources/a.yaml':
        'identifier: https://a.example.org\nname: A\nlevel: phr\nscopes:\n  read: {}\n  write:\n    level: golden\n',
    },
    says: [
      'clients/payroll.yaml:4:1: minimum_level: must be a level of levels.yaml: basic, mfa, phr (it is "gold")',
      'resources/a.yaml:3:1: level: names a level that no enabled method reaches: nobody could sign in (it is "phr")',
      'resources/a.yaml:7:5: scopes.write.level: must be a level of levels.yaml: basic, mfa, phr (it is "golden")',
    ],
  },
  {
    what: 'no method at all',
    files: { 'methods.yaml': 'password:\n  enabled: false\nphone: { enabled: false }\n' },
    says: [
      'levels.yaml: levels: no level can be reached with the methods that are enabled in methods.yaml',
      'methods.yaml:2:3: password.enabled: at least one method must be enabled (it is false)',
    ],
  },
  {
    what: 'cheap hashing',
    files: { 'methods.yaml': 'password:\n  memory_kib: 19456\n  passes: 1\n' },
    says: [
      'methods.yaml:2:3: password.memory_kib: must be at least 47104, or at least 19456 with 2 passes (less only with demo: true) (it is 19456)',
    ],
  },
];

const DEVICES: Case[] = [
  {
    what: 'an app origin with a path',
    files: { 'devices.yaml': 'app_origin: https://app.example.org/phone\n' },
    says: [
      'devices.yaml:1:1: app_origin: must be an origin: no path, no slash at the end, small letters, such as "https://app.example.org" (it is "https://app.example.org/phone")',
    ],
  },
  {
    what: 'a PIN whose least is greater than its most, and few iterations',
    files: {
      'devices.yaml':
        'app_origin: https://app.example.org\npin:\n  min: 8\n  max: 6\nkdf_iterations: 100000\nnumber_digits: 4\n',
    },
    says: [
      'devices.yaml:3:3: pin.min: must not be greater than pin.max (it is 8)',
      'devices.yaml:5:1: kdf_iterations: must be at least 600000 (fewer only with demo: true) (it is 100000)',
      'devices.yaml:6:1: number_digits: must be at least 6 (it is 4)',
    ],
  },
  {
    what: 'a PIN of three digits, or of thirteen',
    files: { 'devices.yaml': 'app_origin: https://app.example.org\npin: { min: 3, max: 13 }\n' },
    says: [
      'devices.yaml:2:8: pin.min: must be at least 4 (it is 3)',
      'devices.yaml:2:16: pin.max: must be at most 12 (it is 13)',
    ],
  },
  {
    what: 'an idle time longer than the session',
    files: { 'lifetimes.yaml': 'session:\n  absolute: 1h\n  idle: 2h\n' },
    says: ['lifetimes.yaml:3:3: session.idle: must not be longer than session.absolute (it is "2h")'],
  },
  {
    what: 'waits that do not fit',
    files: { 'limits.yaml': 'push_day:\n  block_max: 1h\noffline_code:\n  block: 1h\n  block_max: 1m\n' },
    says: [
      'limits.yaml:2:3: push_day.block_max: needs block: the first wait (it is "1h")',
      'limits.yaml:5:3: offline_code.block_max: must not be shorter than block (it is "1m")',
    ],
  },
  {
    what: 'places without a port',
    files: { 'outbound.yaml': 'allow:\n  - localhost\n  - localhost:99999\n  - "[::1]:443"\n' },
    says: [
      'outbound.yaml:2:5: allow[0]: must be host:port, such as "localhost:3001" (it is "localhost")',
      'outbound.yaml:3:5: allow[1]: must be host:port, such as "localhost:3001" (it is "localhost:99999")',
    ],
  },
  {
    what: 'a logo of another kind, one that is not there, links without https, a colour',
    files: {
      'branding.yaml':
        'logo_file: logo.gif\ncolours: { accent: blue }\nlinks: [{ name: Home, url: "http://example.org" }]\nsupport: { url: help }\n',
    },
    says: [
      'branding.yaml:1:1: logo_file: must be an .svg or .png file (it is "logo.gif")',
      'branding.yaml:2:12: colours.accent: must be a colour such as "#1f6feb" (it is "blue")',
      'branding.yaml:3:23: links[0].url: must start with https:// (http:// only for localhost) (it is "http://example.org")',
      'branding.yaml:4:12: support.url: must be an address such as "https://service.example.org/" (it is "help")',
    ],
  },
  {
    what: 'notices without English, that end as they begin, of no service',
    files: {
      'notices.yaml':
        'notices:\n  - { text: { de: Zu }, from: 2026-12-01T22:00:00Z, until: 2026-12-01T22:00:00Z }\n  - { text: { en: Down }, from: 2026-12-01T22:00:00+01:00, until: 2026-12-01T22:00:00Z, services: [wiki] }\n',
    },
    says: [
      'notices.yaml:2:7: notices[0].text: must have "en": who reads another language that is missing sees it (it is {…})',
      'notices.yaml:2:53: notices[0].until: must be later than from (it is "2026-12-01T22:00:00Z")',
      'notices.yaml:3:100: notices[1].services[0]: must be a client of clients/ (it is "wiki")',
    ],
  },
  {
    what: 'notices of a form that is none',
    files: {
      'notices.yaml':
        'notices:\n  - { text: { en: Down, German: Zu }, from: 2026-12-01T22:00, until: tomorrow, announce: 91d }\n  - { text: { en: "" }, from: 2026-12-01T22:00:00Z }\n',
    },
    says: [
      'notices.yaml:2:25: notices[0].text.German: is not a name that can stand here (it is "Zu")',
      'notices.yaml:2:39: notices[0].from: must be a time with its offset, such as "2026-12-01T22:00:00Z" (it is "2026-12-01T22:00")',
      'notices.yaml:2:63: notices[0].until: must be a time with its offset, such as "2026-12-01T22:00:00Z" (it is "tomorrow")',
      'notices.yaml:2:80: notices[0].announce: must be from 0s to 90d (it is "91d")',
      'notices.yaml:3:5: notices[1].until: must be a time with its offset, such as "2026-12-01T22:00:00Z"',
      'notices.yaml:3:15: notices[1].text.en: must not be empty (it is "")',
    ],
  },
  {
    what: 'a logo that is not there',
    files: { 'branding.yaml': 'logo_file: logo.svg\n' },
    says: ['branding.yaml:1:1: logo_file: names a file that does not exist (it is "logo.svg")'],
  },
];

const CLIENTS: Case[] = [
  {
    what: 'a file that is not called as its client',
    files: { 'clients/wages.yaml': `client_id: pay\n${web}\n${open}\n` },
    says: ['clients/wages.yaml:1:1: client_id: the file must be called clients/pay.yaml (it is "pay")'],
  },
  {
    what: 'one client in two files',
    files: { 'clients/second.yaml': `client_id: payroll\n${web}\n${open}\n` },
    says: [
      'clients/second.yaml:1:1: client_id: is already the client of clients/payroll.yaml (it is "payroll")',
      'clients/second.yaml:1:1: client_id: the file must be called clients/payroll.yaml (it is "payroll")',
    ],
  },
  {
    what: 'a file that does not end in .yaml',
    files: { 'clients/second.yml': `client_id: second\n${web}\n${open}\n` },
    says: [
      'clients/second.yml: the name must end in .yaml',
      'clients/second.yml:1:1: client_id: the file must be called clients/second.yaml (it is "second")',
    ],
  },
  {
    what: 'our own account page',
    files: { 'clients/account.yaml': `client_id: account\n${web}\n${open}\n` },
    says: [
      'clients/account.yaml:1:1: client_id: "account" is our own account page: choose another name (it is "account")',
    ],
  },
  {
    what: 'a name that is no file name',
    files: { 'clients/a.yaml': `client_id: ../a\n${web}\n${open}\n` },
    says: ['clients/a.yaml:1:1: client_id: must be letters, digits, ".", "_" or "-", at most 64 (it is "../a")'],
  },
  {
    what: 'redirect addresses of a web client',
    files: payroll(
      open,
      'redirect_uris:',
      '  - https://a.example.org/#x',
      '  - https://*.example.org/',
      '  - http://a.example.org/',
      '  - org.example.app:/cb',
      '  - /callback',
      '  - https://ok.example.org/',
      '  - https://ok.example.org/',
      '  - http://127.0.0.1:8080/cb',
      '  - https://user:pass@a.example.org/',
      'post_logout_redirect_uris: [ftp://a.example.org/]',
    ),
    says: [
      'clients/payroll.yaml:4:5: redirect_uris[0]: must not have a fragment ("#…") (it is "https://a.example.org/#x")',
      'clients/payroll.yaml:5:5: redirect_uris[1]: must be a whole address: no wildcard (it is "https://*.example.org/")',
      'clients/payroll.yaml:6:5: redirect_uris[2]: must start with https:// (http:// only for localhost) (it is "http://a.example.org/")',
      'clients/payroll.yaml:7:5: redirect_uris[3]: must start with https:// (http:// only for localhost) (it is "org.example.app:/cb")',
      'clients/payroll.yaml:8:5: redirect_uris[4]: must be a whole address, such as "https://service.example.org/callback" (it is "/callback")',
      'clients/payroll.yaml:10:5: redirect_uris[6]: is there twice (it is "https://ok.example.org/")',
      'clients/payroll.yaml:12:5: redirect_uris[8]: must not hold a user name or a password (it is [secret])',
      'clients/payroll.yaml:13:29: post_logout_redirect_uris[0]: must start with https:// (http:// only for localhost) (it is "ftp://a.example.org/")',
    ],
  },
  {
    what: 'redirect addresses of a native client',
    files: payroll(
      open,
      'application_type: native',
      'redirect_uris:',
      '  - org.example.app:/cb',
      '  - http://[::1]/cb',
      '  - app:/cb',
      '  - javascript:alert(1)',
      '  - data:text/html,x',
    ),
    says: [
      'clients/payroll.yaml:7:5: redirect_uris[2]: a private-use scheme is a domain name turned round, such as "org.example.app:/callback" (it is "app:/cb")',
      'clients/payroll.yaml:8:5: redirect_uris[3]: must start with https:// (http:// only for localhost) (it is "javascript:alert(1)")',
      'clients/payroll.yaml:9:5: redirect_uris[4]: must start with https:// (http:// only for localhost) (it is "data:text/html,x")',
    ],
  },
  {
    what: 'other addresses',
    files: payroll(
      web,
      open,
      'backchannel_logout_uri: https://a.example.org/x#y',
      'jwks_uri: http://a.example.org/jwks',
      'homepage: nowhere',
    ),
    says: [
      'clients/payroll.yaml:4:1: backchannel_logout_uri: must not have a fragment ("#…") (it is "https://a.example.org/x#y")',
      'clients/payroll.yaml:5:1: jwks_uri: must start with https:// (http:// only for localhost) (it is "http://a.example.org/jwks")',
      'clients/payroll.yaml:6:1: homepage: must be an address such as "https://service.example.org/" (it is "nowhere")',
    ],
  },
  {
    what: 'grants that do not fit',
    files: payroll(open, 'grant_types: [client_credentials, refresh_token]', 'response_types: [code]', web),
    says: [
      'clients/payroll.yaml:2:1: token_endpoint_auth_method: "client_credentials" needs a client that proves itself (it is "none")',
      'clients/payroll.yaml:3:1: grant_types: "refresh_token" needs "authorization_code", "urn:openid:params:grant-type:ciba" or "urn:ietf:params:oauth:grant-type:device_code" (it is […])',
      'clients/payroll.yaml:4:1: response_types: grant_types "authorization_code" and response_types "code" go together (it is […])',
      'clients/payroll.yaml:5:1: redirect_uris: without "authorization_code" in grant_types nothing is ever sent there (it is […])',
    ],
  },
  {
    what: 'requests without a browser by clients that may not make them',
    files: payroll(
      open,
      'grant_types: ["urn:openid:params:grant-type:ciba"]',
      'backchannel_client_notification_endpoint: https://a.example.org/ping',
    ),
    says: [
      'clients/payroll.yaml:1:1: first_party: "urn:openid:params:grant-type:ciba" needs first_party: true, because a phone shows no consent page',
      'clients/payroll.yaml:2:1: token_endpoint_auth_method: "urn:openid:params:grant-type:ciba" needs a client that proves itself (it is "none")',
      'clients/payroll.yaml:4:1: backchannel_client_notification_endpoint: and backchannel_token_delivery_mode "ping" go together (it is "https://a.example.org/ping")',
    ],
  },
  {
    what: 'a client in the browser with a secret and grants of a server',
    files: payroll(
      'token_endpoint_auth_method: private_key_jwt',
      'jwks_uri: https://a.example.org/jwks',
      web,
      'profile: spa',
      'grant_types: [authorization_code, client_credentials]',
    ),
    says: [
      'clients/payroll.yaml:2:1: token_endpoint_auth_method: contradicts profile "spa": an app in a browser keeps no secret, so "none" (RFC 9700) (it is "private_key_jwt")',
      'clients/payroll.yaml:6:1: grant_types: contradicts profile "spa": only authorization_code and refresh_token (it is […])',
    ],
  },
  {
    what: 'what FAPI 2.0 does not allow',
    files: payroll(
      open,
      web,
      'profile: fapi2',
      'dpop_bound_access_tokens: false',
      'require_pushed_authorization_requests: false',
      'id_token_signed_response_alg: RS256',
    ),
    says: [
      'clients/payroll.yaml:2:1: token_endpoint_auth_method: contradicts profile "fapi2": private_key_jwt, tls_client_auth or self_signed_tls_client_auth (section 5.3.2.1) (it is "none")',
      'clients/payroll.yaml:5:1: dpop_bound_access_tokens: contradicts profile "fapi2": tokens bound by DPoP or to a certificate (section 5.3.2.1) (it is false)',
      'clients/payroll.yaml:6:1: require_pushed_authorization_requests: contradicts profile "fapi2": pushed requests (section 5.3.2.2) (it is false)',
      'clients/payroll.yaml:7:1: id_token_signed_response_alg: contradicts profile "fapi2": ES256 or PS256, never RS256 (FAPI 2.0 section 5.4) (it is "RS256")',
    ],
  },
  {
    what: 'a device flow under FAPI 2.0',
    files: payroll(
      open,
      web,
      'profile: fapi2',
      'grant_types: ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"]',
    ),
    says: [
      'clients/payroll.yaml:2:1: token_endpoint_auth_method: contradicts profile "fapi2": private_key_jwt, tls_client_auth or self_signed_tls_client_auth (section 5.3.2.1) (it is "none")',
      'clients/payroll.yaml:5:1: grant_types: contradicts profile "fapi2": no device flow, which cannot be bound to a browser (it is […])',
    ],
  },
  {
    what: 'requests without a browser under FAPI 2.0 that nobody signed',
    files: payroll(
      'profile: fapi2',
      'first_party: true',
      'token_endpoint_auth_method: private_key_jwt',
      'jwks_uri: https://payroll.example.org/jwks',
      'grant_types: ["urn:openid:params:grant-type:ciba"]',
    ),
    says: [
      'clients/payroll.yaml:1:1: require_signed_request_object: contradicts profile "fapi2": true with CIBA, whose requests are signed (FAPI-CIBA section 5.2.2)',
    ],
  },
  {
    what: 'pings to a client that does not ask without a browser',
    files: payroll(open, web, 'backchannel_token_delivery_mode: ping'),
    says: [
      'clients/payroll.yaml:4:1: backchannel_token_delivery_mode: is only for clients with "urn:openid:params:grant-type:ciba" in grant_types (it is [secret])',
    ],
  },
  {
    what: 'no PKCE for a client that does not prove itself',
    files: payroll(open, 'require_pkce: false', web),
    says: [
      'clients/payroll.yaml:3:1: require_pkce: a client that does not prove itself cannot do without PKCE (it is false)',
    ],
  },
  {
    what: 'a client with sign-ins and nowhere to send them',
    files: payroll(open),
    says: ['clients/payroll.yaml:1:1: redirect_uris: is required for a client with sign-ins'],
  },
  {
    what: 'a confidential client without a secret',
    files: payroll(web),
    says: ['clients/payroll.yaml:1:1: client_secret: is required for client_secret_basic (or client_secret_file)'],
  },
  {
    what: 'a public client with a secret',
    files: payroll(web, open, 'client_secret: Vb4mXk2QpLw8RzTn6YcJd1HsGf7Ea9Ui'),
    says: ['clients/payroll.yaml:4:1: client_secret: is of no use with none: remove it'],
  },
  {
    what: 'keys that are missing, private, or there twice',
    files: payroll(
      web,
      'token_endpoint_auth_method: private_key_jwt',
      'jwks:',
      '  keys:',
      '    - { kty: EC, crv: P-256, d: hidden }',
      'jwks_uri: https://a.example.org/jwks',
      'token_endpoint_auth_signing_alg: HS256',
    ),
    says: [
      'clients/payroll.yaml:6:7: jwks.keys[0]: is a private key: only its public part belongs here',
      'clients/payroll.yaml:7:1: jwks_uri: jwks and jwks_uri are both written: keep one (it is "https://a.example.org/jwks")',
      'clients/payroll.yaml:8:1: token_endpoint_auth_signing_alg: does not go with private_key_jwt (it is "HS256")',
    ],
  },
  {
    what: 'private_key_jwt without keys, an algorithm without a use',
    files: {
      ...payroll(web, 'token_endpoint_auth_method: private_key_jwt'),
      'clients/other.yaml': `client_id: other\n${web}\n${open}\ntoken_endpoint_auth_signing_alg: ES256\n`,
    },
    says: [
      'clients/other.yaml:4:1: token_endpoint_auth_signing_alg: is only for private_key_jwt and client_secret_jwt (it is "ES256")',
      'clients/payroll.yaml:1:1: jwks: private_key_jwt needs jwks or jwks_uri',
    ],
  },
  {
    what: 'pairwise with requests without a browser',
    files: payroll(
      web,
      'subject_type: pairwise',
      'first_party: true',
      'backchannel_token_delivery_mode: poll',
      'client_secret: Vb4mXk2QpLw8RzTn6YcJd1HsGf7Ea9Ui',
      'grant_types: [authorization_code, "urn:openid:params:grant-type:ciba"]',
    ),
    says: [
      'clients/payroll.yaml:3:1: subject_type: pairwise does not go with "urn:openid:params:grant-type:ciba", whose hints name people as we do (it is "pairwise")',
    ],
  },
  {
    what: 'pairwise on devices without keys that name the sector',
    files: {
      ...payroll(open, 'subject_type: pairwise', 'grant_types: ["urn:ietf:params:oauth:grant-type:device_code"]'),
      'clients/tv.yaml': [
        'client_id: tv',
        web,
        'subject_type: pairwise',
        'token_endpoint_auth_method: private_key_jwt',
        'jwks_uri: https://tv.example.org/jwks',
        'grant_types: [authorization_code, "urn:ietf:params:oauth:grant-type:device_code"]',
        '',
      ].join('\n'),
      'clients/worker.yaml':
        'client_id: worker\nsubject_type: pairwise\ngrant_types: [client_credentials]\nclient_secret: Vb4mXk2QpLw8RzTn6YcJd1HsGf7Ea9Ui\n',
    },
    says: [
      'clients/payroll.yaml:1:1: jwks_uri: is required: its host is the sector of a pairwise client with "urn:ietf:params:oauth:grant-type:device_code"; or leave subject_type out',
      'clients/payroll.yaml:2:1: token_endpoint_auth_method: pairwise with "urn:ietf:params:oauth:grant-type:device_code" needs private_key_jwt or self_signed_tls_client_auth: the keys of jwks_uri name the sector; or leave subject_type out (it is "none")',
      'clients/tv.yaml:1:1: sector_identifier_uri: is required: a pairwise client has both sign-ins and "urn:ietf:params:oauth:grant-type:device_code"; its list names the redirect_uris and the jwks_uri',
      'clients/worker.yaml:2:1: subject_type: pairwise is for clients with sign-ins: leave it out (it is "pairwise")',
    ],
  },
  {
    what: 'certificates of clients that nothing can be compared with',
    files: {
      'server.yaml':
        'issuer: https://id.example.org\nmtls:\n  certificate_header: X-Forwarded-For\n  client_ca_file: none.pem\n  origin: https://id.example.org\n',
      ...payroll(web, 'token_endpoint_auth_method: tls_client_auth'),
      'clients/a.yaml': `client_id: a\n${web}\n${open}\ntls_client_auth_san_dns: a.example.org\n`,
      'clients/b.yaml': `client_id: b\n${web}\ntoken_endpoint_auth_method: self_signed_tls_client_auth\njwks: { keys: [{ kty: EC }] }\n`,
      'clients/c.yaml': `client_id: c\n${web}\ntoken_endpoint_auth_method: tls_client_auth\ntls_client_auth_san_dns: a\ntls_client_auth_san_ip: b\n`,
    },
    says: [
      'clients/a.yaml:4:1: tls_client_auth_san_dns: is only for tls_client_auth (it is "a.example.org")',
      'clients/b.yaml:4:16: jwks.keys[0]: has no x5c: self_signed_tls_client_auth compares the certificate',
      'clients/c.yaml:5:1: tls_client_auth_san_ip: is one name too many: tls_client_auth_san_dns is written already (it is "b")',
      'clients/payroll.yaml:1:1: tls_client_auth_subject_dn: tls_client_auth needs it, or one of tls_client_auth_san_dns, tls_client_auth_san_uri, tls_client_auth_san_ip, tls_client_auth_san_email',
      'server.yaml:2:1: mtls: needs trusted_proxies: without one nobody is believed about certificates (it is {…})',
      'server.yaml:3:3: mtls.certificate_header: is a header with another meaning (it is "X-Forwarded-For")',
      'server.yaml:4:3: mtls.client_ca_file: names a file that cannot be read, or has a certificate that cannot (it is [secret])',
      'server.yaml:5:3: mtls.origin: is the issuer: leave it out (it is "https://id.example.org")',
    ],
  },
  {
    what: 'certificates of clients where server.yaml says nothing of them',
    files: {
      ...payroll(web, open, 'tls_client_certificate_bound_access_tokens: true'),
      'clients/a.yaml': `client_id: a\n${web}\ntoken_endpoint_auth_method: tls_client_auth\ntls_client_auth_san_dns: a\n`,
    },
    says: [
      'clients/a.yaml:3:1: token_endpoint_auth_method: needs mtls in server.yaml: how certificates reach us (it is "tls_client_auth")',
      'clients/payroll.yaml:4:1: tls_client_certificate_bound_access_tokens: needs mtls in server.yaml: how certificates reach us (it is true)',
    ],
  },
  {
    what: 'claims of no form',
    files: {
      ...payroll(open, web, 'claims:', '  desk: { from: attributes.Desk }', '  floor: { form: name, from: name }'),
      'resources/a.yaml': 'identifier: https://a.example.org\nname: A\nclaims:\n  _x: { from: name }\n',
    },
    says: [
      'clients/payroll.yaml:5:11: claims.desk.from: must be groups, login, name, email, locale or attributes.NAME (it is "attributes.Desk")',
      'clients/payroll.yaml:6:12: claims.floor.form: is not a key that we know; did you mean "from"?',
      'resources/a.yaml:4:3: claims._x: is not a name that can stand here (it is {…})',
    ],
  },
  {
    what: 'claims whose meaning a standard sets, and rules of claims that say nothing',
    files: {
      ...payroll(
        open,
        web,
        'claims:',
        '  sub: { from: login }',
        '  acr: { from: attributes.level }',
        '  email_verified: { from: attributes.checked }',
        '  toString: { from: name }',
        '  roles: { from: groups, only: [a, "b;c"], rename: { d: e } }',
        '  name: { from: name, only: [a] }',
      ),
      'resources/a.yaml': 'identifier: https://a.example.org\nname: A\nclaims:\n  scope: { from: groups }\n',
    },
    says: [
      'clients/payroll.yaml:5:3: claims.sub: is a claim whose meaning a standard sets: choose another name (it is {…})',
      'clients/payroll.yaml:6:3: claims.acr: is a claim whose meaning a standard sets: choose another name (it is {…})',
      'clients/payroll.yaml:7:3: claims.email_verified: is a claim whose meaning a standard sets: choose another name (it is {…})',
      'clients/payroll.yaml:8:3: claims.toString: is no name for a claim: choose another one (it is {…})',
      'clients/payroll.yaml:9:36: claims.roles.only[1]: is no name that a group can have (it is "b;c")',
      'clients/payroll.yaml:9:54: claims.roles.rename.d: is never in the claim: it does not stand in only (it is "e")',
      'clients/payroll.yaml:10:23: claims.name.only: is for from: groups (it is […])',
      'resources/a.yaml:4:3: claims.scope: is a claim whose meaning a standard sets: choose another name (it is {…})',
    ],
  },
  {
    what: 'pairwise over two hosts, unknown scopes and acr values',
    files: payroll(
      open,
      'redirect_uris: [https://a.example.org/, https://b.example.org/]',
      'subject_type: pairwise',
      'scope: openid payslips',
      'default_acr_values: [urn:unknown]',
    ),
    says: [
      'clients/payroll.yaml:1:1: sector_identifier_uri: is required: a pairwise client has redirect_uris on more than one host',
      'clients/payroll.yaml:5:1: scope: can name openid, offline_access, profile, email, groups; scopes of resources do not stand here (it is "openid payslips")',
      'clients/payroll.yaml:6:22: default_acr_values[0]: must be an acr value of levels.yaml (it is "urn:unknown")',
    ],
  },
  {
    what: 'resources: identifiers, reserved scopes, unknown clients',
    files: {
      'resources/a.yaml': 'identifier: payslips\nname: A\nintrospection_clients: [payroll, nobody]\n',
      'resources/b.yaml': 'identifier: https://b.example.org/#x\nname: B\nscopes:\n  openid: {}\n',
      'resources/c.yaml': 'identifier: https://c.example.org\nname: C\nscopes:\n  "a b": {}\n',
      'resources/d.yaml': 'identifier: https://d.example.org\nname: D\n',
      'resources/e.yaml': 'identifier: https://d.example.org\nname: E\n',
    },
    says: [
      'resources/a.yaml:1:1: identifier: must be an absolute URI, such as "https://api.example.org" (it is "payslips")',
      'resources/a.yaml:3:34: introspection_clients[1]: must be a client of clients/ (it is "nobody")',
      'resources/b.yaml:1:1: identifier: must not have a fragment (RFC 8707 section 2) (it is "https://b.example.org/#x")',
      'resources/b.yaml:4:3: scopes.openid: is a scope of OpenID Connect: choose another name (it is {…})',
      'resources/c.yaml:4:3: scopes.a b: is not a name that can stand here (it is {…})',
      'resources/e.yaml:1:1: identifier: is already the resource of resources/d.yaml (it is "https://d.example.org")',
    ],
  },
];

describe('settings: every rule', () => {
  before(productionSecrets);

  const groups = { FORM, SYNTAX, SERVER, STORAGE, LEVELS, DEVICES, CLIENTS };
  for (const [group, cases] of Object.entries(groups)) {
    describe(group.toLowerCase(), () => {
      for (const { what, files, says } of cases) {
        it(`refuses ${what}`, async () => {
          expect(await problemsOf(files)).to.deep.equal(says);
        });
      }
    });
  }

  it('accepts the configuration that every case starts from', async () => {
    expect(await problemsOf({})).to.deep.equal([]);
  });

  it('tells the mistakes of all files at once, syntax errors beside the others', async () => {
    const said = await problemsOf(
      {
        'server.yaml': 'issuer: http://id.example.org\nprot: 1\n',
        'lifetimes.yaml': 'code: "60\n',
        'levels.yaml': 'levels: []\n',
        'clients/payroll.yaml': 'client_id: payroll\nredirect_uris: [x]\nminimum_level: 3\n',
      },
      { PORT: 'many', DATABASE_URL: 'postgres://a@b/c', DATABASE_URL_FILE: '/x' },
    );
    expect(said).to.deep.equal([
      'clients/payroll.yaml:1:1: client_secret: is required for client_secret_basic (or client_secret_file)',
      'clients/payroll.yaml:2:17: redirect_uris[0]: must be a whole address, such as "https://service.example.org/callback" (it is "x")',
      'clients/payroll.yaml:3:1: minimum_level: must be text (put it in quotes) (it is 3)',
      'environment: PORT: must be a number from 1 to 65535 (it is "many")',
      'environment: DATABASE_URL: DATABASE_URL and DATABASE_URL_FILE are both set: keep one',
      'levels.yaml:1:1: levels: must have at least 1 entries (it is […])',
      'lifetimes.yaml:2:1: a character is missing here (a closing quote, bracket or colon)',
      'server.yaml:1:1: issuer: must start with https:// (http:// only for localhost) (it is "http://id.example.org")',
      'server.yaml:2:1: prot: is not a key that we know; did you mean "port"?',
    ]);
  });

  it('says that there is no such folder', async () => {
    const { loadSettings } = await import('../../src/settings/load.ts');
    const loaded = loadSettings('/nowhere/at/all', {});
    expect(loaded.ok ? [] : loaded.problems).to.deep.equal([
      { file: '/nowhere/at/all', key: '', rule: 'there is no such configuration folder' },
    ]);
  });
});
