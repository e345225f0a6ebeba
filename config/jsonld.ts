import { z } from 'zod'

/**
 * JSON-LD contexts besides those that the service brings (docs/jsonld.md). They are read at the start, and none is ever
 * downloaded: a credential that names another one is refused.
 */
export const jsonldSchema = z.strictObject({
  contexts: z
    .array(
      z.strictObject({
        /** As credentials name it. */
        url: z.url().max(300),
        /** The file that it is read from. */
        file: z.string().min(1),
        /** SHA-256 of the file, in lower-case hexadecimal (`sha256sum`): with another one, the service does not start. */
        sha256: z.string().regex(/^[0-9a-f]{64}$/, '64 lower-case hexadecimal digits'),
      }),
    )
    .max(100)
    .default([]),
})
