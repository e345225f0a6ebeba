import type { Config } from '../config/config.ts'
import { webhookSender } from './deliveries/webhookSender.ts'
import { fileSender } from './dev/fileSender.ts'
import type { Sender } from './sender.ts'

/** TABLE of what brings messages to holders, by `messages.sender`. */
const senders: Readonly<Record<Config['messages']['sender'], (config: Config) => Sender | undefined>> = {
  none: () => undefined,
  file: ({ home }) => fileSender(home),
  webhook: ({ messages: { webhook } }) => webhook && webhookSender(webhook),
}

/** @returns undefined where nothing is sent to holders */
export function openSender(config: Config): Sender | undefined {
  return senders[config.messages.sender](config)
}
