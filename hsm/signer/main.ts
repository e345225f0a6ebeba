/**
 * A signer process: the only place where the PKCS#11 module is loaded. It speaks frames over file descriptor 3 with the
 * service that started it and with nobody else, does one thing at a time, and ends when the descriptor closes.
 */
import { serve } from './serve.ts'

// The service drains before it lets its signers go; a signal to the whole group must not take them first. SIGUSR1 would
// open Node's inspector, and with it everything in this process.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) {
  process.on(signal, () => undefined)
}

const WIRE = 3
await serve(WIRE, (code) => process.exit(code))
