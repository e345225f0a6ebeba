import { raise } from '../alarms.ts'
import type { Context } from '../context.ts'

/** The token may have signed, and nothing left: an operator has to know which attempt it was. */
export function noticeUnknown(ctx: Context, attempt: string): void {
  raise(ctx.log, 'outcome_unknown', { says: 'an attempt was closed as outcome unknown', signature: attempt })
}
