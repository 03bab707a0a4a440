// What the operator wrote, checked and resolved: the type that the rest of the house reads. All times are whole seconds.
import type { Level, Method } from '../domain/assurance.ts';
import type { ClaimRules } from '../domain/claims.ts';
import type { Notice, ReadOnlyMode } from '../domain/notices.ts';
import type { LimitRule, PinSetup } from '../domain/ports.ts';
import type { Secret } from './secret.ts';
import type { HELP_TOPICS } from './sections/branding.ts';

/** Files of our certificate and its key, and what stood in them when they were read (PEM): a reload brings others. */
export interface TlsSettings {
  certFile: string;
  keyFile: string;
  certificate: Secret;
  key: Secret;
}

/** `server.yaml` */
export interface ServerSettings {
  /** The issuer: everything that names us is built from it, never from a request's Host. */
  issuer: string;
  host: string;
  port: number;
  /** Allows the demo person, generated secrets and console mail; only with a loopback issuer. */
  demo: boolean;
  /** Absolute path of the folder for what the embedded default keeps: database, outbox, demo secrets. */
  dataFolder: string;
  /** Peers, as CIDR, whose X-Forwarded-For and -Proto are believed. */
  trustedProxies: string[];
  tls?: TlsSettings;
  /** Certificates of clients: the proxy's header, authorities as PEM, and where certificates are asked for. */
  mtls?: { header: string; authorities?: string; origin?: string };
  /** POST at the authorization endpoint (needs https: its cookies are SameSite=None). */
  postAuthorization: boolean;
  /** The second port, for health and metrics; none where it is missing. */
  watch?: { host: string; port: number };
  /** Seconds after SIGTERM in which requests are still taken, and those that what is under way may take then. */
  shutdown: { delay: number; grace: number };
  /** Changed files are taken over without a signal. */
  reloadOnChange: boolean;
  logLevel: 'silent' | 'error' | 'warn' | 'info' | 'debug';
}

/** Where something listens. */
export interface Address {
  host: string;
  port: number;
}

/** Who we say that we are to Redis, and whether the line is encrypted. */
interface RedisAccess {
  username?: string;
  password?: Secret;
  tls: boolean;
  /** Certificates of the authorities that are believed, PEM; those of Node where it is missing. */
  authorities?: string;
}

/** One Redis by its URL, the primary that Sentinel names, or a cluster. */
export type RedisSettings =
  | { kind: 'redis'; url: Secret; authorities?: string }
  | ({
      kind: 'redis-sentinel';
      /** The name under which Sentinel watches the primary. */
      master: string;
      nodes: Address[];
      database: number;
      sentinelUsername?: string;
      sentinelPassword?: Secret;
    } & RedisAccess)
  | ({ kind: 'redis-cluster'; nodes: Address[] } & RedisAccess);

/** `storage.yaml` (or DATABASE_URL, REDIS_URL and their _FILE forms) */
export interface StorageSettings {
  /** PGlite in a folder, or a PostgreSQL URL, which may name several hosts. */
  database: { kind: 'embedded'; folder: string } | { kind: 'postgres'; url: Secret; poolMax: number };
  /** In this process, or in Redis. */
  state: { kind: 'embedded' } | RedisSettings;
}

/** `keys.yaml`: the first of each list is used for what is new, all of them for what is kept. */
export interface KeySettings {
  /** Private JWKS file of signing keys (made by `countersign keys generate`). */
  signing: Secret;
  /** Makes new signing keys by itself. */
  rotation?: { every: number; publish: number };
  /** Private JWKS file of the ECDH-ES keys that phones encrypt to. */
  encryption: Secret;
  cookies: { id: string; secret: Secret }[];
  /** 32 bytes each, base64url: wraps K_off and other stored secrets. */
  kek: { id: string; secret: Secret }[];
  /** 32 bytes each, base64url: HMAC key for PINs, typed codes and passwords. */
  peppers: { id: string; secret: Secret }[];
  /** 32 bytes, base64url: the VAPID key (RFC 8292). Without it there is no push. */
  push?: Secret;
}

/** `methods.yaml` */
export interface MethodSettings {
  password: {
    enabled: boolean;
    minLength: number;
    /** argon2id. */
    memoryKib: number;
    passes: number;
    /** At most so many hashes at once, and so many waiting. */
    concurrency: number;
    queue: number;
  };
  phone: { enabled: boolean };
  /** The second proof before the first device after a password alone (design, decision 12). */
  firstDevice: 'mail_code' | 'invitation' | 'operator';
}

/** `push` in `devices.yaml` */
export interface PushSettings {
  enabled: boolean;
  /** `https:` or `mailto:` (RFC 8292 section 2.1); the sender of mails where it is missing. */
  contact?: string;
  /** Push services besides those of the browsers: `host`, `*.host` or `host:port`. */
  hosts: readonly string[];
}

/** `devices.yaml` */
export interface DeviceSettings {
  /** Origin of the phone app; the issuer's by default. */
  appOrigin: string;
  pin: { setup: PinSetup; min: number; max: number };
  kdfIterations: number;
  numberDigits: number;
  accountsPerDevice: number;
  devicesPerAccount: number;
  offline: boolean;
  push: PushSettings;
  contextIp: 'none' | 'prefix' | 'full';
}

/** `lifetimes.yaml` */
export interface LifetimeSettings {
  session: { absolute: number; idle: number };
  /** Idle time after which a second factor counts no longer. */
  secondFactorIdle: number;
  /** How old the highest proof may be when a factor is changed. */
  accountChange: number;
  interaction: number;
  code: number;
  accessToken: number;
  idToken: number;
  refreshToken: number;
  /** How long after its use a refresh token may be presented once more. */
  refreshGrace: number;
  backchannelRequest: number;
  pollInterval: number;
  enrolment: number;
  /** Events of the audit; for ever where it is missing. */
  audit?: number;
}

/** What the help pages are about. */
export type HelpTopic = (typeof HELP_TOPICS)[number];

/** `branding.yaml` */
export interface BrandingSettings {
  name: string;
  /** File of an SVG or PNG logo. */
  logoFile?: string;
  colours: { accent?: string; accentDark?: string };
  links: { name: string; url: string }[];
  support?: { email?: string; url?: string };
  /** `url` takes the place of all of our help, an entry of `topics` that of one topic. */
  help: { url?: string; topics: { readonly [topic in HelpTopic]?: string }; links: { name: string; url: string }[] };
}

/** `mail.yaml` */
export interface MailSettings {
  from: string;
  /** `outbox`: each mail is a file in a folder; `console` also prints it (demo only). */
  transport: { kind: 'outbox'; folder: string; console: boolean } | { kind: 'smtp'; url: Secret };
}

/** `limits.yaml`: so many within so many seconds; a rule that doubles waits longer after each further failure, up to `max`. */
export type LimitSettings = {
  readonly [rule in LimitRule]: { points: number; seconds: number; blockSeconds?: number; maxBlockSeconds?: number };
};

/** `outbound.yaml` */
export interface OutboundSettings {
  /** `host:port` entries that may resolve to loopback, link-local or private addresses. */
  allow: string[];
  timeoutMs: number;
}

/** One file of `clients/`, as oidc-provider reads it, and what is ours. */
export interface ClientSettings {
  /** Metadata of OpenID Connect Dynamic Client Registration, in the spelling of the specification. */
  metadata: { client_id: string; [name: string]: unknown };
  minimumLevel?: string;
  /** FAPI 2.0 Security Profile, an app in the browser, or neither. */
  profile: 'classic' | 'spa' | 'fapi2';
  /** Where it is pinged (CIBA), as it was written. */
  notified?: string;
  /** Needs no consent page. */
  firstParty: boolean;
  /** Every authorization request must carry a code_challenge; where false, a nonce will do. */
  requirePkce: boolean;
  /** Claims of the operator's own. */
  claims: ClaimRules;
  /** Where the person can go back to when a sign-in cannot go on. */
  homepage?: string;
  /** The file it came from, for messages. */
  file: string;
}

/** One file of `resources/` (RFC 8707). */
export interface ResourceSettings {
  identifier: string;
  name: string;
  scopes: { [scope: string]: { level?: string; description?: string } };
  level?: string;
  tokenFormat: 'jwt' | 'opaque';
  /** Clients that may introspect tokens made for this resource. */
  introspectionClients: string[];
  /** Claims of the operator's own in its access tokens. */
  claims: ClaimRules;
  accessToken?: number;
  /** The file it came from, for messages. */
  file: string;
}

/** Everything. */
export interface Settings {
  /** The folder it was read from. */
  folder: string;
  server: ServerSettings;
  storage: StorageSettings;
  keys: KeySettings;
  levels: Level[];
  methods: MethodSettings;
  devices: DeviceSettings;
  lifetimes: LifetimeSettings;
  branding: BrandingSettings;
  /** `notices.yaml` */
  notices: Notice[];
  /** `notices.yaml` too */
  readOnly: ReadOnlyMode;
  mail: MailSettings;
  limits: LimitSettings;
  outbound: OutboundSettings;
  clients: ClientSettings[];
  resources: ResourceSettings[];
}

/** Whether the enabled methods reach a level. */
export function methodsReach(methods: MethodSettings, level: Level): boolean {
  const enabled = (method: Method) =>
    (method === 'password' && methods.password.enabled) || (method === 'phone' && methods.phone.enabled);
  return level.anyOf.some((combination) => combination.every(enabled));
}

/** Whether any enabled method combination reaches a level. */
export function reachable(settings: Settings, level: Level): boolean {
  return methodsReach(settings.methods, level);
}
