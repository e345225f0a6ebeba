import type { Logger } from 'pino'

/** critical: somebody is woken. warning: somebody looks today. */
export type Severity = 'critical' | 'warning'

/**
 * TABLE of alarms. An alarm is a line of the log, at level error or warn, with the member `alarm`; docs/alarms.md says of
 * each what to do. Names are stable: operators' own rules name them. hsm/ raises some itself, and imports nothing of this.
 */
export const alarms = {
  // Somebody may be attacking, or something computes wrongly.
  signature_mismatch: 'critical',
  seal_broken: 'critical',
  audit_not_written: 'critical',
  certificate_faulty: 'critical',
  // The PIN: what hardware tokens lock after.
  pin_rejected: 'critical',
  pin_flags: 'critical',
  // Signing stands still.
  no_signer: 'critical',
  database_away: 'critical',
  database_full: 'critical',
  lease_not_renewed: 'critical',
  clock_distrusted: 'critical',
  // Relying parties learn too late what was revoked.
  crl_late: 'critical',
  status_list_late: 'critical',
  // Something is about to be wrong, or was.
  signer_hangs: 'warning',
  outcome_unknown: 'warning',
  clock_jump: 'warning',
  clock_skew: 'warning',
  authority_ends: 'warning',
  no_authority: 'warning',
  token_nearly_full: 'warning',
  tls_certificate_ending: 'warning',
  tls_reload_failed: 'warning',
  delivery_given_up: 'warning',
  messages_fail: 'warning',
} as const satisfies Readonly<Record<string, Severity>>

export type AlarmName = keyof typeof alarms

export interface Facts {
  /** The line's sentence. */
  readonly says: string
  /** Ids of our own and numbers; nothing secret, nothing personal. */
  readonly [fact: string]: unknown
}

/** Writes the line. */
export function raise(log: Logger, alarm: AlarmName, { says, ...facts }: Facts): void {
  log.error({ alarm, severity: alarms[alarm], ...facts }, says)
}

/** What lasts is raised once when it begins, and said to be over when it ends. */
export class Lasting {
  readonly #log: Logger
  /** By alarm and what it is about: since when (performance.now()), and whether it was raised. */
  readonly #since = new Map<string, { readonly at: number; isRaised: boolean }>()

  constructor(log: Logger) {
    this.#log = log
  }

  /**
   * @param is.about tells several of one name apart; @param is.patienceMs how long it may last before it is an alarm
   */
  note(
    alarm: AlarmName,
    is: {
      readonly on: boolean
      readonly about?: string
      readonly patienceMs?: number
      readonly says: string
    },
  ): void {
    const { on, about = '', patienceMs = 0, says } = is
    const key = `${alarm} ${about}`
    const known = this.#since.get(key)
    if (!on) {
      this.#since.delete(key)
      if (known?.isRaised === true) this.#log.warn({ over: alarm, about }, 'an alarm is over')
      return
    }
    const began = known ?? { at: performance.now(), isRaised: false }
    this.#since.set(key, began)
    if (began.isRaised || performance.now() - began.at < patienceMs) return
    began.isRaised = true
    raise(this.#log, alarm, { says, ...(about === '' ? {} : { about }) })
  }
}
