import { z } from 'zod'
import { checkedCertificates, countCheckedCertificates } from '../../db/certificateChecks.ts'
import { checkedLists, countCheckedLists } from '../../db/listChecks.ts'
import { CertificateChecker } from '../../pki/checkCertificates.ts'
import { checkList } from '../../pki/checkLists.ts'
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

  'GET /checks/lists': async (ctx, call) => {
    const query = parsed(z.strictObject(pageQuery), call.query)
    const listed = await page(
      query,
      ({ limit, after }) => checkedLists(ctx.db, { limit, ...uuidPosition(after) }),
      (row) => row.id,
    )
    const items: unknown[] = []
    // One after the other: each may be large.
    for (const { id, issuerId, shard, number } of listed.rows) {
      for (const finding of await checkList(ctx, id))
        items.push({ issuerId, list: shard === null ? 'whole' : String(shard), number, ...finding })
    }
    const total = query.cursor === undefined ? { total: await countCheckedLists(ctx.db) } : {}
    return { body: { checked: listed.rows.length, ...total, items, next: listed.next } }
  },
}
