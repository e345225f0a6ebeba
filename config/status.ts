import { z } from 'zod'

/** Status lists of credentials (Bitstring Status List 1.0, Token Status List). */
export const statusSchema = z
  .strictObject({
    /** Entries of a list, 131,072 at least: so many credentials one hides among. A full list is followed by another. */
    entries: z.int().min(131_072).max(8_388_608).multipleOf(8).default(131_072),
    /** Seconds that what is published is good for. It is made anew when half of them are over. */
    validSeconds: z.int().min(600).max(2_592_000).default(86_400),
    /** Seconds that relying parties, and caches on the way, may keep it: a change is seen through them after this. */
    ttlSeconds: z.int().min(0).max(86_400).default(300),
  })
  .refine((status) => status.ttlSeconds * 2 <= status.validSeconds, {
    path: ['ttlSeconds'],
    error: 'is above half of validSeconds',
  })
