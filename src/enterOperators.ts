import { createOperator, type NewOperator } from './api/admin/operators.ts'
import type { Context } from './context.ts'
import { countOperators } from './db/operators.ts'
import { devOperators } from './dev/operators.ts'
import { Refusal } from './refusal.ts'

/**
 * Enters the configuration's operators while there is none; later ones are entered by a security officer. A laptop
 * that names none has three, whose key files are in its home.
 */
export async function enterOperators(ctx: Context): Promise<void> {
  const { operators, profile } = ctx.config
  if (profile === 'dev' && operators.length === 0) return enterEach(ctx, await devOperators(ctx.config))
  if ((await countOperators(ctx.db)) > 0) return
  await enterEach(ctx, operators)
  if (operators.length === 0 && profile === 'production') {
    ctx.log.warn('there is no operator, and nobody can enter one: name the first ones in the configuration')
  }
}

async function enterEach(ctx: Context, operators: readonly NewOperator[]): Promise<void> {
  for (const operator of operators) {
    await createOperator(ctx, 'service', operator).catch((error: unknown) => {
      // Entered at an earlier start, or by another replica that starts at the same time.
      if (!(error instanceof Refusal && error.code === 'conflict')) throw error
    })
  }
}
