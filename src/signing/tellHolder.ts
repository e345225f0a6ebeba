import type { Context } from '../context.ts'
import { unavailable } from '../refusal.ts'
import type { Message, Sender } from '../sender.ts'

/** @throws Refusal 'unavailable' where none is configured */
export function senderOf({ sender }: Pick<Context, 'sender'>): Sender {
  if (sender === undefined) throw unavailable('Messages are not sent at the moment')
  return sender
}

/**
 * Sends a message, while whoever asked for it waits.
 * @param not.undo what it brings is worth nothing, since nobody was told. It may have gone all the same.
 * @throws Refusal 'unavailable'
 */
export async function tellHolder(
  ctx: Context,
  message: Message,
  not: { readonly says: string; undo(): Promise<void> },
): Promise<void> {
  try {
    await senderOf(ctx).send(ctx, message)
  } catch (error) {
    ctx.metrics.message(message.kind, 'failed')
    await not.undo()
    throw unavailable(not.says, error)
  }
  ctx.metrics.message(message.kind, 'sent')
}
