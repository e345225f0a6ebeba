import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { Failure } from '../failure.ts'
import { printItem, printPage } from '../print.ts'
import { examples, paged, pageOf, verb, type Open } from '../verb.ts'

/** `intaglio client key …` */
export function addClientKeyCommands(client: Command, open: Open): void {
  const key = client
    .command('key')
    .description('keys by which a client proves who it is, in place of a secret')
  verb(key, 'add <id> <file>', {
    says: 'register a public JWK, or each one of a JWKS',
    open,
    work: async ({ admin, output }, [id = '', file = '']) => {
      for (const jwk of keysOf(file)) {
        printItem(output, await admin.item('POST /clients/:id/keys', { params: { id }, body: { jwk } }))
      }
    },
  })
  const list = verb(key, 'list <id>', {
    says: 'keys, those removed as well',
    open,
    work: async ({ admin, output }, [id = ''], options) => {
      const request = { params: { id }, query: pageOf(options) }
      const page = await admin.page('GET /clients/:id/keys', request)
      printPage(output, page, ['id', 'thumbprint', 'addedAt', 'removedAt'])
    },
  })
  paged(list)
  verb(key, 'remove <id> <key>', {
    says: 'believe nothing more that is signed with it',
    open,
    work: async ({ admin, output }, [id = '', gone = '']) => {
      const params = { id, key: gone }
      printItem(output, await admin.item('POST /clients/:id/keys/:key/remove', { params }))
    },
  })
  examples(key, [
    'client key add 5d1f… their-jwks.json',
    'client key list 5d1f…',
    'client key remove 5d1f… 8c0a…',
  ])
}

function keysOf(file: string): readonly unknown[] {
  const given = jsonOf(file)
  const { keys } = (given ?? {}) as { keys?: unknown }
  return Array.isArray(keys) ? keys : [given]
}

function jsonOf(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    const { code = 'no JSON' } = error as NodeJS.ErrnoException
    throw new Failure('usage', `${file} cannot be read (${code}).`)
  }
}
