import type { LoginGate } from '../../hsm/types.ts'

interface Login {
  readonly serial: string
  readonly version: number
}

/** The rule of the real gate, in memory: a PIN version that was rejected is never tried again. Remembers every call. */
export class MemoryLoginGate implements LoginGate {
  readonly begun: (Login & { pinCountLow: boolean })[] = []
  readonly ended: (Login & { accepted: boolean | undefined })[] = []

  begin(login: Login & { pinCountLow: boolean }): Promise<void> {
    const isRejected = this.ended.some(
      (end) => end.serial === login.serial && end.version === login.version && !end.accepted,
    )
    if (isRejected) return Promise.reject(new Error('This PIN version was rejected before.'))
    this.begun.push(login)
    return Promise.resolve()
  }

  end(login: Login & { accepted: boolean | undefined }): Promise<void> {
    this.ended.push(login)
    return Promise.resolve()
  }
}
