// server.yaml: our name, where we listen, whom we believe about the caller's address.
import { z } from 'zod';
import { text, whole } from './pieces.ts';

export const serverSchema = z
  .strictObject({
    issuer: text().describe(
      'Our own address as everybody sees it: https, without path and without slash at the end; http only for localhost. Every link is built from it.',
    ),
    host: text().prefault('127.0.0.1').describe('The address to listen on. The environment variable HOST wins.'),
    port: whole(1, 65_535)
      .optional()
      .describe(
        'The port to listen on; 3000, or the port of a loopback issuer, where it is missing. The environment variable PORT wins.',
      ),
    demo: z
      .boolean()
      .prefault(false)
      .describe(
        'True allows the demo person, generated secrets and mail on the console; only with an issuer on localhost.',
      ),
    data_folder: text()
      .prefault('../data')
      .describe(
        'The folder for what the embedded default keeps: database, mail outbox, demo secrets; relative to the configuration folder.',
      ),
    trusted_proxies: z
      .array(text())
      .prefault([])
      .describe(
        'Networks (CIDR, such as 10.0.0.0/8) of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.',
      ),
    tls: z
      .strictObject({
        cert_file: text().describe('The certificate with its chain, PEM.'),
        key_file: text().describe('Its private key, PEM.'),
      })
      .optional()
      .describe('Serve https ourselves with this certificate; leave it out behind a proxy that does it.'),
    mtls: z
      .strictObject({
        certificate_header: z
          .string()
          .regex(/^[A-Za-z][A-Za-z0-9-]{1,63}$/, 'must be the name of a header, such as "X-Client-Cert"')
          .describe(
            'The header in which a proxy of trusted_proxies says which certificate the client has shown: PEM with percent signs, DER in base64, or RFC 9440. From anybody else it is ignored.',
          ),
        client_ca_file: text()
          .optional()
          .describe(
            'The authorities that sign certificates of clients with tls_client_auth, PEM, relative to the configuration folder.',
          ),
        origin: text()
          .optional()
          .describe(
            'Where the proxy asks for certificates, if not at the issuer: discovery names it in mtls_endpoint_aliases.',
          ),
      })
      .optional()
      .describe('Certificates of clients (mutual TLS, RFC 8705), behind a proxy that ends TLS.'),
    post_authorization: z
      .boolean()
      .prefault(false)
      .describe('Also accept POST at the authorization endpoint; needs https, because its cookies are SameSite=None.'),
    watch: z
      .strictObject({
        host: text()
          .prefault('127.0.0.1')
          .describe('The address of the second port. Who reaches it sees how the server does, and no secret.'),
        port: whole(1, 65_535)
          .optional()
          .describe(
            'The second port; 9000, or none in the demo, where it is missing. WATCH_PORT wins; 0 there is none.',
          ),
      })
      .prefault({})
      .describe('The second port, for /health/live, /health/started, /health/ready and /metrics.'),
    shutdown: z
      .strictObject({
        delay: whole(0, 300)
          .optional()
          .describe(
            'Seconds after SIGTERM in which requests are still taken, so that proxies notice that we leave; 5, or 0 in the demo, where it is missing.',
          ),
        grace: whole(1, 300)
          .prefault(30)
          .describe('Seconds that what is under way may take after that, before it is cut.'),
      })
      .prefault({})
      .describe('How the server leaves.'),
    reload_on_change: z
      .boolean()
      .prefault(false)
      .describe(
        'Take changed files over by ourselves, as SIGHUP does, a moment after the last one was written; for links that are turned to another folder too.',
      ),
    log_level: z
      .enum(['silent', 'error', 'warn', 'info', 'debug'])
      .prefault('info')
      .describe('How much is logged to standard error.'),
  })
  .describe('Our own address, where we listen, and which proxies we believe.');

export type ServerFile = z.output<typeof serverSchema>;
