import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { Failure } from '../failure.ts'
import { printItem, printPage } from '../print.ts'
import { examples, paged, pageOf, verb, type Open } from '../verb.ts'

const owners = {
  clients: { noun: 'client', says: 'certificates that let a client in, in place of a secret' },
  operators: { noun: 'operator', says: 'certificates that an operator connects with, beside the key file' },
} as const

/** `intaglio client certificate …` and `intaglio operator certificate …` */
export function addCertificateCommands(
  parent: Command,
  { owners: which, open }: { readonly owners: keyof typeof owners; readonly open: Open },
): void {
  const { noun, says } = owners[which]
  const certificate = parent.command('certificate').description(says)
  verb(certificate, 'add <id> <file>', {
    says: "register a PEM certificate's key",
    open,
    work: async ({ admin, output }, [id = '', file = '']) => {
      const body = { certificate: pemOf(file) }
      printItem(output, await admin.item(`POST /${which}/:id/certificates`, { params: { id }, body }))
    },
  })
  const list = verb(certificate, 'list <id>', {
    says: 'certificates, those removed as well',
    open,
    work: async ({ admin, output }, [id = ''], options) => {
      const request = { params: { id }, query: pageOf(options) }
      const page = await admin.page(`GET /${which}/:id/certificates`, request)
      printPage(output, page, ['id', 'subject', 'spki', 'addedAt', 'removedAt'])
    },
  })
  paged(list)
  verb(certificate, 'remove <id> <certificate>', {
    says: 'refuse it, and tokens that are bound to it, from now on',
    open,
    work: async ({ admin, output }, [id = '', gone = '']) => {
      const params = { id, certificate: gone }
      printItem(output, await admin.item(`POST /${which}/:id/certificates/:certificate/remove`, { params }))
    },
  })
  examples(certificate, [
    `${noun} certificate add 5d1f… their.crt`,
    `${noun} certificate list 5d1f…`,
    `${noun} certificate remove 5d1f… 8c0a…`,
  ])
}

function pemOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException
    throw new Failure('usage', `${file} cannot be read (${code}).`)
  }
}
