// The files of a new production configuration, with words beside each choice: what `countersign init` writes.

/** What the operator has said already. */
export interface StarterChoices {
  issuer: string;
  /** Origin of the phone app, where it is another than the issuer's. */
  appOrigin?: string;
}

const first = (name: string) => `# yaml-language-server: $schema=schema/${name}.json\n`;

/** Every file but keys.yaml by its path below the configuration folder. They pass `config check` as they stand. */
export function starterFiles({ issuer, appOrigin }: StarterChoices): { readonly [path: string]: string } {
  return {
    'server.yaml': `${first('server')}# Where we are.

# Our own address, as browsers see it. Every link and every token is built from it: choose it once.
issuer: ${JSON.stringify(issuer)}

# Where we listen. A proxy before us ends TLS (docs/operating/deploying.md), and is the only one that reaches this port.
host: 127.0.0.1
port: 3000

# The proxy's own address, as narrowly as can be: its X-Forwarded-For is believed.
trusted_proxies: [127.0.0.1/32]

# Instead of a proxy:
# tls: { cert_file: /etc/ssl/id.pem, key_file: /etc/ssl/private/id.key }

# The second port: health and metrics. Nobody outside of your own network should reach it.
watch: { host: 127.0.0.1, port: 9000 }

# For the embedded database and the mail outbox; nothing is written there once both are replaced.
data_folder: data
`,
    'storage.yaml': `${first('storage')}# Where things are kept. DATABASE_URL and REDIS_URL (or DATABASE_URL_FILE, REDIS_URL_FILE) of the environment win over this file.

# "embedded" is one node's own: good for a trial and for small set-ups. More nodes, and backups of a running database, need PostgreSQL.
database:
  kind: embedded
# database:
#   kind: postgres
#   url_file: secrets/database-url

# Sessions, requests under way, limits. "embedded" is this process: a restart signs everybody out.
state:
  kind: embedded
# state:
#   kind: redis
#   url_file: secrets/redis-url
`,
    'mail.yaml': `${first('mail')}# How mail leaves. The outbox writes each mail as a file into data/outbox: NOBODY GETS THEM. Name your mail server before people come.
from: ${JSON.stringify(`no-reply@${new URL(issuer).hostname}`)}
transport:
  kind: outbox
# transport:
#   kind: smtp
#   url_file: secrets/smtp-url    # holds smtps://user:password@mail.example.org:465
`,
    'levels.yaml': `${first('levels')}# What services may ask for, lowest first. A session at a level satisfies every lower one.
levels:
  - name: basic
    # Tokens carry the first value; requests may name any of them.
    acr: [urn:countersign:acr:basic]
    any_of:
      - [password]
    fresh: { password: 12h }

  - name: mfa
    acr: [urn:countersign:acr:mfa, https://refeds.org/profile/mfa]
    # Any one of these combinations, complete.
    any_of:
      - [password, phone]
    # How long each proof counts.
    fresh: { password: 12h, phone: 12h }
`,
    'methods.yaml': `${first('methods')}# The ways to prove who one is.
password:
  enabled: true
phone:
  enabled: true

# The second proof before the first phone is added after a password alone:
# mail_code (a code by mail), invitation (the link of \`countersign user invite\`) or operator.
first_device: mail_code
`,
    'devices.yaml': `${first('devices')}# The phone app. An origin of its own keeps it apart from the pages; its name leads to the same nodes.
${appOrigin === undefined ? '# app_origin: https://phone.example.org' : `app_origin: ${JSON.stringify(appOrigin)}`}
pin: { min: 6 }
`,
    'branding.yaml': `${first('branding')}# How pages look and what they call us.
name: Countersign
# logo_file: logo.svg
# colours: { accent: "#0b5fff", accent_dark: "#8ab4ff" }
# links:
#   - { name: Privacy, url: https://example.org/privacy }
# support: { email: help@example.org }
`,
    'lifetimes.yaml': `${first('lifetimes')}# How long things live. Every other key: docs/reference/configuration.md
session: { absolute: 12h }
access_token: 5m
# Without it events stay for ever.
# audit: 730d
`,
    'outbound.yaml': `${first('outbound')}# What the server may call itself. Loopback, link-local and private addresses are refused unless they stand here as host:port.
allow: []
`,
    'notices.yaml': `${first('notices')}# What people are told at the top of the pages for a while, such as of maintenance.
notices: []
# notices:
#   - text: { en: On Tuesday from 22:00 to 22:30 UTC nobody can sign in. }
#     from: 2026-12-01T22:00:00Z
#     until: 2026-12-01T22:30:00Z
# Nothing that lasts is written meanwhile: docs/operating/read-only.md
# read_only: { on: true, until: 2026-12-01T22:30:00Z }
`,
    'clients/payroll.yaml.example': `# yaml-language-server: $schema=../schema/client.json
# A service. Copy it to clients/<client_id>.yaml, put its secret into the file (openssl rand -base64 32), and take it over by SIGHUP.
client_id: payroll
client_name: Payroll
client_secret_file: secrets/payroll
redirect_uris: [https://payroll.example.org/callback]
homepage: https://payroll.example.org/
minimum_level: mfa
`,
  };
}
