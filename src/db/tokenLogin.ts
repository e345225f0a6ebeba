import type { Database } from './database.ts'

/** A login takes well under a second; a holder that has not answered by then is gone, */
const LOGIN_STALE_S = 30
/** and one whose lease ran out besides, by then. */
const LOGIN_DEAD_S = 5
/** Whether the holder of a row `t` is gone. */
const IS_GONE = `(t.since < now() - interval '${LOGIN_STALE_S} seconds'
  or (t.since < now() - interval '${LOGIN_DEAD_S} seconds'
      and not exists (select from instance i where i.id = t.holder and i.lease_until > now())))`
/** How long a login waits for another process's login to end. */
const LOGIN_WAIT_MS = 40_000
const POLL_MS = 100

interface Login {
  readonly serial: string
  readonly version: number
}

/**
 * One attempt ever for a PIN that a token rejected, whatever the number of signers, replicas and restarts: 'trying' is
 * recorded before each C_Login, and only one login is under way at a time. Who dies while trying, or never hears the
 * token's verdict, leaves 'trying' behind; then the token's own flag decides: with no failed login on record, none was
 * made. The same process may go on from its own 'trying' at once: its logins come one after another.
 */
export class TokenLogins {
  readonly #db: Database
  readonly #holder: string

  constructor(db: Database, holder: string) {
    this.#db = db
    this.#holder = holder
  }

  /** Resolves when this login may be tried. @throws Error, in a sentence for the operator, when it never may. */
  async begin(login: Login & { readonly pinCountLow: boolean }): Promise<void> {
    const deadline = performance.now() + LOGIN_WAIT_MS
    for (;;) {
      const state = await this.#claim(login)
      if (state === 'claimed') return
      if (state === 'rejected') throw new Error(rejectedSentence(login))
      if (state === 'abandoned') throw new Error(abandonedSentence(login))
      if (performance.now() > deadline)
        throw new Error(`Another login to the token ${login.serial} does not end.`)
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  }

  /** @param login.accepted undefined: the PIN was not tried after all. */
  async end(login: Login & { readonly accepted: boolean | undefined }): Promise<void> {
    const state = { true: 'accepted', false: 'rejected', undefined: 'untried' }[`${login.accepted}`]
    await this.#db.query({
      text: `update token_login set state = $3::text, since = now()
              where token_serial = $1::text and pin_version = $2::int and state = 'trying' and holder = $4::uuid`,
      values: [login.serial, login.version, state, this.#holder],
    })
  }

  async #claim(
    login: Login & { readonly pinCountLow: boolean },
  ): Promise<'claimed' | 'rejected' | 'abandoned' | 'busy'> {
    const claimed = await this.#db.query({
      text: `insert into token_login as t (token_serial, pin_version, state, holder)
             values ($1::text, $2::int, 'trying', $3::uuid)
             on conflict (token_serial, pin_version) do update
               set state = 'trying', holder = $3::uuid, since = now()
               where t.state in ('accepted', 'untried')
                  or (t.state = 'trying' and not $4::boolean
                      and (t.holder = $3::uuid or ${IS_GONE}))
             returning 1`,
      values: [login.serial, login.version, this.#holder, login.pinCountLow],
    })
    if (claimed.length === 1) return 'claimed'
    const rows = await this.#db.query<{ state: string; over: boolean }>({
      text: `select state, holder = $3::uuid or ${IS_GONE} as over from token_login t
              where token_serial = $1::text and pin_version = $2::int`,
      values: [login.serial, login.version, this.#holder],
    })
    const row = rows[0]
    if (row?.state === 'rejected') return 'rejected'
    return row?.state === 'trying' && row.over && login.pinCountLow ? 'abandoned' : 'busy'
  }
}

function rejectedSentence({ serial, version }: Login): string {
  return (
    `The token ${serial} rejected the PIN (version ${version}). It is not tried again, because tokens lock: ` +
    'put the right PIN into the PIN file and raise pin.version in the configuration.'
  )
}

function abandonedSentence({ serial, version }: Login): string {
  return (
    `A login to the token ${serial} with the PIN of version ${version} never ended, and the token reports a failed ` +
    'login. Check the PIN file, then raise pin.version in the configuration.'
  )
}
