import { z } from 'zod'
import { attestationSchema } from './attestation.ts'
import { databaseTlsSchema } from './databaseTls.ts'
import { jsonldSchema } from './jsonld.ts'
import { isOrigin, listenerSchema } from './listeners.ts'
import { publicJwkSchema, rolesSchema } from './operators.ts'
import { pkiFields } from './pki.ts'
import { statusSchema } from './status.ts'
import { clockSchema, tsaSchema } from './time.ts'
import { tokensSchema } from './tokens.ts'

/**
 * What an operator decides. One JSON file, named by INTAGLIO_CONFIG (default config/dev.json), reviewed as evidence.
 * Each scalar can be overridden by its environment name: `http.port` by INTAGLIO_HTTP_PORT, `csc.name` by
 * INTAGLIO_CSC_NAME, the first token's `label` by INTAGLIO_TOKENS_0_LABEL; lists of strings too, separated by commas.
 * `PORT`, `DATABASE_URL` and `PKCS11_MODULE` work as is customary. Secrets also by a file: INTAGLIO_DATABASE_URL_FILE.
 * `{home}` in any string stands for `home`. An unknown key or a bad value stops the start and names its path.
 */

const operator = z.strictObject({
  name: z.string().min(1).max(200),
  /** Public JWK (EC P-256 or OKP Ed25519) of the operator's own key. */
  publicKey: publicJwkSchema,
  roles: rolesSchema,
  /** PEM file of the certificate that this operator connects with, where a listener requires one. */
  certificate: z.string().min(1).optional(),
})

/** As URLs write a host: lower case. */
const hostPattern = z.string().regex(/^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*$/, 'a name, or *. and a name')

/** One address, which is signed as it stands: no secret belongs into it. */
const gatewayUrl = z.url().refine((text) => {
  if (!URL.canParse(text)) return false
  const { protocol, username, password, search, hash } = new URL(text)
  return protocol === 'https:' && [username, password, search, hash].every((part) => part === '')
}, 'https, without user, query and fragment')

export const configSchema = z.strictObject({
  /** 'production' refuses what only a laptop may do; 'test' is 'dev' without the demo credential. */
  profile: z.enum(['dev', 'test', 'production']),
  /** Directory of what this installation keeps outside Postgres: demo data, operators' key files of a laptop. INTAGLIO_HOME. */
  home: z.string().min(1).default('.local'),
  /** Public base URL, without a trailing slash. Issuer, links and certificates carry it. Dev: derived from host and port. */
  baseUrl: z
    .url()
    .refine(isOrigin, 'scheme, host and port only, such as https://sign.example.org')
    .optional(),
  http: z.strictObject({
    host: z.string().default('127.0.0.1'),
    /** 0 takes a free port. */
    port: z.int().min(0).max(65535).default(3000),
    /** Addresses of reverse proxies whose X-Forwarded-* headers are believed. */
    trustedProxies: z.array(z.string()).default([]),
    /** Origins that browsers may call the API from (CORS). None by default. */
    corsOrigins: z.array(z.url()).default([]),
    /** Seconds that requests under way get to end after SIGTERM. */
    drainSeconds: z.int().min(1).max(300).default(20),
  }),
  /** Addresses that are listened on, and what is served at each. Absent: one, of http.host and http.port, with everything. */
  listeners: z.array(listenerSchema).min(1).optional(),
  database: z.strictObject({
    /** The service's own role. It can append to the audit log and not change it. DATABASE_URL overrides it. */
    url: z.string().min(1),
    /** The role that owns the tables, for migrations only. Absent: the schema must be there already. */
    ownerUrl: z.string().min(1).optional(),
    /** Connections of one replica. */
    connections: z.int().min(2).max(200).default(10),
    /** Absent: what the URLs say by sslmode, sslrootcert, sslcert and sslkey; nothing there: plain. */
    tls: databaseTlsSchema.optional(),
  }),
  /** The PKCS#11 tokens; config/tokens.ts documents the fields. */
  tokens: tokensSchema,
  csc: z
    .strictObject({
      /**
       * The edition that /csc/v2 says it is. 2.2 only adds to 2.0: '2.0.0.0' is for clients that are strict about what they
       * do not know; the EUDI wallet's library wants '2.2.0.0'. /csc/v1 is 1.0.4.0 whatever stands here.
       */
      specs: z.enum(['2.2.0.0', '2.0.0.0']).default('2.2.0.0'),
      /**
       * Refuses requests that the standard does not have, though clients in the field send them: the table in
       * src/api/csc/aliases.ts. For testing a client; pyHanko on /csc/v2 and the EUDI wallet's libraries then fail.
       */
      strict: z.boolean().default(false),
      /** Shown by info (CSC API v2.2, 11.1). */
      name: z.string().min(1).max(255),
      region: z.string().regex(/^[A-Z]{2}$/),
      lang: z.string().default('en'),
      description: z.string().max(255).default(''),
      logo: z.url().optional(),
      /** Seconds that a SAD lives. */
      sadSeconds: z.int().min(10).max(3600).default(300),
      /** Hashes that one authorisation may hold. */
      maxSignatures: z.int().min(1).max(10_000).default(1000),
      /** Seconds that the result of an asynchronous request is kept, where the client does not say, and at most. */
      resultSeconds: z.int().min(10).max(604_800).default(3600),
      maxResultSeconds: z.int().min(10).max(604_800).default(86_400),
    })
    .refine((csc) => csc.resultSeconds <= csc.maxResultSeconds, {
      path: ['resultSeconds'],
      error: 'is above maxResultSeconds',
    }),
  ca: z.strictObject({
    /**
     * 'ceremony': authorities come into being by a plan that operators approved (docs/ceremony.md), as always in production.
     * 'start': a first start makes them by the names below. Absent: as the profile has it. With 'ceremony' a laptop has no
     * demo credential.
     */
    madeBy: z.enum(['start', 'ceremony']).optional(),
    /** Names of the certification authorities that a first start makes. Where a ceremony does, its plan names them. */
    organization: z.string().min(1).max(64),
    country: z.string().regex(/^[A-Z]{2}$/),
    rootName: z.string().min(1).max(64),
    issuingName: z.string().min(1).max(64),
    keyType: z.enum(['P-256', 'P-384', 'RSA-3072', 'RSA-4096']).default('P-384'),
    /** Days that an end-entity certificate is valid. */
    endEntityDays: z.int().min(1).max(1095).default(365),
    /** Hours from a revocation list to the end of its time; it is made anew when half of them are over, and after each change. */
    crlHours: z.int().min(1).max(240).default(24),
    /** Policy documents of the repository: each stands at /pki/documents/<name>, for good. */
    documents: z
      .array(
        z.strictObject({
          /** As its address ends: the kind of file is told by it. */
          name: z
            .string()
            .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\.(pdf|txt)$/, 'a name such as cps-1.0.pdf'),
          /** What it is called on the page. */
          title: z.string().min(1).max(200),
          file: z.string().min(1),
        }),
      )
      .default([]),
    /**
     * Where relying parties reach lists, certificates and status, without a trailing slash: it stands in each certificate, for
     * good. Plain HTTP as a rule (RFC 5280, 8). Absent: baseUrl.
     */
    publicUrl: z
      .url()
      .refine(isOrigin, 'scheme, host and port only, such as http://pki.example.org')
      .optional(),
    /** What certificates say of the operator, and the profile of natural persons: config/pki.ts documents the fields. */
    ...pkiFields,
  }),
  ocsp: z
    .strictObject({
      /** Seconds between thisUpdate and nextUpdate of an answer: for so long an old one can be shown to somebody again. */
      answerSeconds: z.int().min(120).max(604_800).default(1800),
      /** Seconds that caches on the way may keep an answer: a revocation is seen through them after this. */
      cacheSeconds: z.int().min(0).max(3600).default(60),
    })
    .refine((ocsp) => ocsp.cacheSeconds * 2 <= ocsp.answerSeconds, {
      path: ['cacheSeconds'],
      error: 'is above half of answerSeconds',
    })
    .default({ answerSeconds: 1800, cacheSeconds: 60 }),
  /** How this machine's clock is watched; config/time.ts documents the fields. */
  clock: clockSchema.default({ toleranceMs: 500, settleSeconds: 10, ntpServers: [], ntpSeconds: 16 }),
  /** Timestamps; config/time.ts documents the fields. Absent: there are none. */
  tsa: tsaSchema.optional(),
  /** Status lists of credentials; config/status.ts documents the fields. */
  status: statusSchema.default({ entries: 131_072, validSeconds: 86_400, ttlSeconds: 300 }),
  /** Key attestations of the key service; config/attestation.ts documents the fields. Absent: there are none. */
  attestation: attestationSchema.optional(),
  oauth: z.strictObject({
    /** Seconds that a service token lives. */
    tokenSeconds: z.int().min(30).max(86_400).default(3600),
    /** Seconds after a holder's login for which a client may renew its service token. */
    refreshSeconds: z.int().min(60).max(7_776_000).default(2_592_000),
  }),
  /** Calls to servers of others: by https, to public addresses, without redirects (src/outgoing). */
  outgoing: z
    .strictObject({
      /**
       * Hosts that clients may be notified at, `*.example.org` for all below; within them, each client has a list of its
       * own (`intaglio client response-uris`). Absent: whatever those lists name.
       */
      notificationHosts: z.array(hostPattern).optional(),
      /**
       * Hosts whose DID documents (did:web) are read when something that they signed is verified, `*.example.org` for all
       * below. Empty: nobody's are.
       */
      didWebHosts: z.array(hostPattern).default([]),
      /**
       * Hosts whose status lists are fetched when a credential that names one is verified, `*.example.org` for all below. Empty:
       * nobody's are, and such credentials are not good here.
       */
      statusListHosts: z.array(hostPattern).default([]),
      /** PEM file: authorities that these servers' certificates are believed by. Absent: those that Node knows. */
      ca: z.string().min(1).optional(),
      /** Hosts whose addresses may be private, on a laptop and in tests. Production has none. */
      privateHosts: z.array(z.string()).default([]),
    })
    .default({ didWebHosts: [], statusListHosts: [], privateHosts: [] }),
  enrolment: z.strictObject({
    /** Hours that a one-time enrolment link lives. */
    linkHours: z.int().min(1).max(720).default(72),
  }),
  messages: z
    .strictObject({
      /**
       * Brings one-time codes and requests for approval to holders. 'file' writes each to a file below {home}/messages, for a
       * laptop; production refuses it. 'webhook' posts each to a gateway of yours for SMS and e-mail (docs/operator.md).
       * 'none': nothing is sent, no credential asks for a sent code, and the methods that send are not there.
       */
      sender: z.enum(['none', 'file', 'webhook']).default('none'),
      webhook: z
        .strictObject({
          /** Where messages are posted, by a certificate that `outgoing.ca` or Node vouches for. */
          url: gatewayUrl,
          /** It stands in your own network: its address may be private, and its name one that only this machine knows. */
          isInternal: z.boolean().default(false),
          /** File with a bearer token that the gateway wants, read for each message. Absent: it goes by the signature. */
          tokenFile: z.string().min(1).optional(),
        })
        .optional(),
    })
    .refine(({ sender, webhook }) => (sender === 'webhook') === (webhook !== undefined), {
      path: ['webhook'],
      error: "goes with the sender 'webhook', and that sender with it",
    })
    .default({ sender: 'none' }),
  /** Contexts of credentials; config/jsonld.ts documents the fields. */
  jsonld: jsonldSchema.default({ contexts: [] }),
  /** The first operators, entered while there is none; later ones by `intaglio operator create`. */
  operators: z.array(operator).default([]),
  log: z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error']).default('info') }),
})

export type Config = z.infer<typeof configSchema>
/** A configuration in use: the base URL is known, given or derived from the address that is listened on. */
export type RunningConfig = Config & { readonly baseUrl: string }
export type TokenConfig = Config['tokens'][number]
