/** What the commands of certificates share. */
import type { Item } from '../admin.ts'
import { Failure } from '../failure.ts'
import { cell } from '../print.ts'

/** A certificate as the service answers it, and those of its authorities. */
export const pems = (item: Item, isChain: boolean): string =>
  [item['certificate'], ...(isChain ? (item['chain'] as unknown[]) : [])].map(cell).join('')

/** Serial numbers are printed with colons and spaces, too. */
export const bare = (which: string): string => which.replaceAll(/[\s:]/g, '')

/** @throws Failure 'usage' */
export function daysOf(days: string | undefined): { readonly days?: number } {
  if (days === undefined) return {}
  if (!/^[0-9]{1,5}$/.test(days)) throw new Failure('usage', '--days takes a whole number.')
  return { days: Number(days) }
}
