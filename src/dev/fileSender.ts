import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { Sender } from '../sender.ts'
import { writePrivate } from './files.ts'

/** Where a laptop's messages are found. */
export const MESSAGES = 'messages'

/** Writes each message to a file of its own, which only the user who runs the service reads. @param home of the service */
export function fileSender(home: string): Sender {
  return {
    send: async (_ctx, { to, text }) => {
      const name = `${new Date().toISOString().replaceAll(':', '-')}-${randomUUID()}.json`
      await writePrivate(join(home, MESSAGES, name), { to, text })
    },
  }
}
