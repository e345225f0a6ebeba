import { readFileSync } from 'node:fs'
import type { Config } from '../config/config.ts'
import { ConfigError } from '../config/load.ts'
import { certificateOf, KEY_TAKEN } from './api/admin/certificates.ts'
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
  await enterEach(ctx, operators.map(withCertificate))
  if (operators.length === 0 && profile === 'production') {
    ctx.log.warn('there is no operator, and nobody can enter one: name the first ones in the configuration')
  }
}

function withCertificate(
  { certificate: file, ...operator }: Config['operators'][number],
  index: number,
): NewOperator {
  if (file === undefined) return operator
  try {
    return { ...operator, certificate: certificateOf(readFileSync(file, 'utf8')) }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why =
      error instanceof Refusal
        ? `holds ${message.replace('certificate: ', '')}`
        : `cannot be read (${code ?? ''})`
    throw new ConfigError([`operators.${index}.certificate: ${file} ${why}`])
  }
}

async function enterEach(ctx: Context, operators: readonly NewOperator[]): Promise<void> {
  for (const operator of operators) {
    await createOperator(ctx, 'service', operator).catch((error: unknown) => {
      // Entered at an earlier start, or by another replica that starts at the same time.
      const isEntered = error instanceof Refusal && error.code === 'conflict' && error.message !== KEY_TAKEN
      if (!isEntered) throw error
    })
  }
}
