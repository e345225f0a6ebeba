import { createOperator } from './api/admin/operators.ts'
import type { Context } from './context.ts'
import { countOperators } from './db/operators.ts'
import { makeDevOperators } from './dev/operators.ts'
import { Refusal } from './refusal.ts'

/**
 * Enters the configuration's operators while there is none; later ones are entered by a security officer. A laptop
 * that names none gets three, with their key files in its home.
 */
export async function enterFirstOperators(ctx: Context): Promise<void> {
  if ((await countOperators(ctx.db)) > 0) return
  const { operators, profile } = ctx.config
  const first = operators.length === 0 && profile === 'dev' ? await makeDevOperators(ctx.config) : operators
  for (const operator of first) {
    await createOperator(ctx, 'service', operator).catch((error: unknown) => {
      // Another replica starts at the same time.
      if (!(error instanceof Refusal && error.code === 'conflict')) throw error
    })
  }
  if (first.length === 0 && profile === 'production') {
    ctx.log.warn('there is no operator, and nobody can enter one: name the first ones in the configuration')
  }
}
