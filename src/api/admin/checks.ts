import { z } from 'zod'
import { checkedCertificates, countCheckedCertificates } from '../../db/certificateChecks.ts'
import { CertificateChecker } from '../../pki/checkCertificates.ts'
import { parsed, type Endpoints } from './endpoint.ts'
import { page, pageQuery, uuidPosition } from './page.ts'
import { hex } from './values.ts'

/** What the service has issued and published, judged again a page at a time: whoever asks goes on until there is no next. */
export const checkEndpoints: Endpoints<'checks'> = {
  'GET /checks/certificates': async (ctx, call) => {
    const query = parsed(z.strictObject(pageQuery), call.query)
    const listed = await page(
      query,
      ({ limit, after }) => checkedCertificates(ctx.db, { limit, ...uuidPosition(after) }),
      (row) => row.id,
    )
    const checker = new CertificateChecker(ctx)
    const items: unknown[] = []
    for (const row of listed.rows) {
      for (const finding of await checker.check(row))
        items.push({ serial: hex(row.serial), profile: row.profile, ...finding })
    }
    const total = query.cursor === undefined ? { total: await countCheckedCertificates(ctx.db) } : {}
    return { body: { checked: listed.rows.length, ...total, items, next: listed.next } }
  },
}
