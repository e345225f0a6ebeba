import { Counter, Gauge, type Registry } from 'prom-client'
import type { TokenMetrics } from '../../hsm/types.ts'
import { alarms } from '../alarms.ts'
import type { Context } from '../context.ts'
import type { Backlog } from '../db/jobs.ts'
import { SCHEMA_VERSION } from '../db/migrate.ts'
import type { Inventory, Observation } from '../db/observations.ts'
import { alarmCounts } from '../log.ts'
import { isTimeTrusted } from '../pki/clock.ts'
import { version } from '../version.ts'
import type { Watched } from '../watch.ts'

/** A value, with its labels; none where there is nothing to say. */
type Value = readonly [value: number, labels?: Readonly<Record<string, string>>]

interface Row {
  readonly name: string
  readonly help: string
  readonly labels?: readonly string[]
  readonly kind?: 'counter'
  /** Called when somebody asks: nothing that waits. */
  readonly values: () => readonly Value[]
}

/** What is looked up when somebody asks. Postgres is not asked then: the watch has, within its last seconds. */
export function registerGauges(ctx: Context, watched: Watched): void {
  const rows = [
    ...tokenRows(ctx),
    ...databaseRows(ctx, watched),
    ...observedRows(watched),
    ...inventoryRows(ctx, watched),
    ...ownRows(ctx),
  ]
  for (const row of rows) register(ctx.metrics.registry, row)
}

function register(registry: Registry, { name, help, labels = [], kind, values }: Row): void {
  const described = { name: `intaglio_${name}`, help, labelNames: labels, registers: [registry] }
  if (kind === 'counter') {
    new Counter({
      ...described,
      collect() {
        this.reset()
        for (const [value, labelled = {}] of values()) this.inc(labelled, value)
      },
    })
    return
  }
  new Gauge({
    ...described,
    collect() {
      this.reset()
      // A gauge without labels is 0 after a reset: what is not known is taken out instead.
      const known = values()
      if (known.length === 0 && labels.length === 0) this.remove()
      for (const [value, labelled = {}] of known) this.set(labelled, value)
    },
  })
}

/** Of each token by its configured name, or nothing where the value is not known. */
function eachToken(ctx: Context, value: (token: TokenMetrics) => number | undefined): () => Value[] {
  return () =>
    ctx.token.metrics().flatMap((token): Value[] => {
      const known = value(token)
      return known === undefined ? [] : [[known, { token: token.name }]]
    })
}

function tokenRows(ctx: Context): Row[] {
  const row = (name: string, help: string, value: (token: TokenMetrics) => number | undefined): Row => ({
    name,
    help,
    labels: ['token'],
    values: eachToken(ctx, value),
  })
  return [
    row('token_up', 'Whether one signer at least made a canary signature in the last 60 s.', ({ up }) =>
      Number(up),
    ),
    row('signers', 'Signer processes as configured.', ({ signers }) => signers),
    row('signers_ready', 'Signer processes that are logged in.', ({ ready }) => ready),
    {
      ...row(
        'signer_restarts_total',
        'Starts of signers in place of ones that ended.',
        ({ restarts }) => restarts,
      ),
      kind: 'counter',
    },
    row('token_queued_inputs', 'Digests and messages that wait for a signer.', ({ queued }) => queued),
    row('token_in_flight_inputs', 'Digests and messages that signers have.', ({ inFlight }) => inFlight),
    row('token_canary_age_seconds', 'Since the last canary signature.', ({ lastCanaryAt }) =>
      lastCanaryAt === undefined ? undefined : Math.max(0, ctx.clock() - lastCanaryAt) / 1000,
    ),
    row('token_capacity_keys', 'Keys that the token has room for, as configured.', ({ name }) =>
      capacityOf(ctx, name),
    ),
    {
      name: 'token_pin_flag',
      help: "The token's flags of its user PIN when a signer last started: failed logins.",
      labels: ['token', 'flag'],
      values: () => ctx.token.metrics().flatMap(pinFlags),
    },
  ]
}

const pinFlags = ({ name: token, pin }: TokenMetrics): Value[] => [
  [Number(pin.countLow), { token, flag: 'count_low' }],
  [Number(pin.finalTry), { token, flag: 'final_try' }],
  [Number(pin.locked), { token, flag: 'locked' }],
]

function capacityOf(ctx: Context, name: string): number | undefined {
  return ctx.config.tokens.find((token) => token.name === name)?.capacity
}

function databaseRows(ctx: Context, watched: Watched): Row[] {
  const lastWrite = (): Value[] => {
    const at = ctx.metrics.lastWriteAt
    return at === undefined ? [] : [[(performance.now() - at) / 1000]]
  }
  const up = 'Whether the last look at the database, some seconds ago, was answered.'
  const age = 'Since something of this process was last durable; its lease is written every few seconds.'
  return [
    { name: 'database_up', help: up, values: () => [[watched.observation === undefined ? 0 : 1]] },
    {
      name: 'database_connections',
      help: 'Connections of the pool.',
      labels: ['state'],
      values: () => [
        [ctx.db.pool.inUse, { state: 'in_use' }],
        [ctx.db.pool.idle, { state: 'idle' }],
      ],
    },
    {
      name: 'database_connections_max',
      help: 'Connections that the pool may have.',
      values: () => [[ctx.config.database.connections]],
    },
    {
      name: 'database_waiting',
      help: 'Statements that wait for a connection.',
      values: () => [[ctx.db.pool.waiting]],
    },
    { name: 'database_last_write_age_seconds', help: age, values: lastWrite },
  ]
}

/** What Postgres said of itself and of all replicas, when the watch last looked. */
function observedRows(watched: Watched): Row[] {
  const row = (name: string, help: string, value: (seen: Observation) => number | null): Row => ({
    name,
    help,
    values: () => {
      const known = watched.observation && value(watched.observation)
      return known === undefined || known === null ? [] : [[known]]
    },
  })
  const unsealed =
    'Age of the oldest audit row that no log has sealed. There is no log yet: of the oldest row.'
  return [
    row('attempts_open', 'Attempts to sign without a result yet, of all replicas.', (o) => o.openAttempts),
    row('attempts_oldest_open_age_seconds', 'Age of the oldest of them.', (o) => o.oldestAttemptAge ?? 0),
    row('audit_rows', 'Rows of the audit log, as the statistics have it.', (o) => Math.max(0, o.auditRows)),
    row('audit_unsealed_age_seconds', unsealed, (o) => o.oldestAuditAge),
    row(
      'audit_last_row_age_seconds',
      'Age of the newest audit row, of all replicas.',
      (o) => o.newestAuditAge,
    ),
    row('clock_skew_seconds', "This machine's clock less the database's.", () => watched.skewMs / 1000),
  ]
}

function inventoryRows(ctx: Context, watched: Watched): Row[] {
  return [
    {
      name: 'token_keys',
      help: 'Keys that the database knows in the token.',
      labels: ['token'],
      values: eachToken(ctx, ({ serial }) => {
        const { inventory } = watched
        return inventory && (inventory.keys.find((found) => found.serial === serial)?.count ?? 0)
      }),
    },
    {
      name: 'activations_locked',
      help: 'Accesses of clients to credentials that are locked until an operator unlocks them.',
      values: () => (watched.inventory === undefined ? [] : [[watched.inventory.locked]]),
    },
    ...jobRows(watched),
    {
      name: 'authority_not_after_seconds',
      help: 'When the certificate of an authority ends, seconds since 1970.',
      labels: ['profile'],
      values: () =>
        (watched.inventory?.authorities ?? []).map(({ profile, notAfter }) => [
          notAfter.getTime() / 1000,
          { profile },
        ]),
    },
    {
      name: 'crls_late',
      help: 'Revocation lists that are not there, or that were not made anew in time.',
      values: () => (watched.inventory === undefined ? [] : [[watched.inventory.lists.late]]),
    },
    {
      name: 'status_change_oldest_waiting_seconds',
      help: "Since the oldest change of a certificate's status that is not in its lists yet; 0: none waits.",
      values: () => (watched.inventory === undefined ? [] : [[watched.inventory.lists.oldestChange]]),
    },
    ...statusRows(watched),
  ]
}

/** Of W3C credentials. */
function statusRows(watched: Watched): Row[] {
  const row = (name: string, help: string, value: (seen: Inventory['statuses']) => number): Row => ({
    name,
    help,
    values: () => (watched.inventory === undefined ? [] : [[value(watched.inventory.statuses)]]),
  })
  return [
    row(
      'status_lists_late',
      'Status lists of credentials that are not there, or that were not made anew in time.',
      ({ late }) => late,
    ),
    row(
      'status_entry_oldest_waiting_seconds',
      "Since the oldest change of a W3C credential's status that is not published yet; 0: none waits.",
      ({ oldestChange }) => oldestChange,
    ),
  ]
}

function jobRows(watched: Watched): Row[] {
  const row = (name: string, help: string, value: (jobs: Backlog) => number): Row => ({
    name,
    help,
    labels: ['kind'],
    values: () => (watched.inventory?.jobs ?? []).map((jobs) => [value(jobs), { kind: jobs.kind }]),
  })
  return [
    row('jobs_waiting', 'Jobs that wait, for their turn or to be tried again.', ({ waiting }) => waiting),
    row('jobs_dead', 'Jobs that were given up and can be replayed.', ({ dead }) => dead),
    row('jobs_late_seconds', 'For how long the oldest job that waits has been due.', ({ late }) => late),
  ]
}

function ownRows(ctx: Context): Row[] {
  const alarmRows = (): Value[] => {
    const counts = alarmCounts(ctx.log)
    const names = new Set([...Object.keys(alarms), ...counts.keys()])
    return [...names].map((alarm) => [counts.get(alarm) ?? 0, { alarm }])
  }
  const build = { version, schema: String(SCHEMA_VERSION), node: process.versions.node }
  return [
    {
      name: 'alarms_total',
      help: 'Alarms raised; docs/alarms.md says what to do at each.',
      labels: ['alarm'],
      kind: 'counter',
      values: alarmRows,
    },
    {
      name: 'signature_mismatches_total',
      help: 'Signatures of the token that did not verify, and were not given out.',
      kind: 'counter',
      values: () => [[alarmCounts(ctx.log).get('signature_mismatch') ?? 0]],
    },
    {
      name: 'clock_trusted',
      help: 'Whether the clock of this process is trusted: while it is not, nothing is dated.',
      values: () => [[Number(isTimeTrusted(ctx))]],
    },
    {
      name: 'build_info',
      help: 'What runs.',
      labels: ['version', 'schema', 'node'],
      values: () => [[1, build]],
    },
  ]
}
