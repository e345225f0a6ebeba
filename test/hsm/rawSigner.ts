import { SignerProcess } from '../../hsm/signerProcess.ts'
import { encodeStart } from '../../hsm/starting.ts'
import { MemoryLog } from '../softhsm-test-helpers/memoryLog.ts'
import type { SoftToken } from '../softhsm-test-helpers/softhsm.ts'

/** A signer process without the service around it: what whoever took the service over would hold. */
export function spawnSigner(soft: SoftToken): SignerProcess {
  return new SignerProcess({
    name: 'raw',
    environment: soft.config.environment,
    log: new MemoryLog(),
    onExit: () => undefined,
  })
}

export function startPayload(soft: SoftToken): Buffer {
  const { module, provider, label, pin } = soft.config
  const access = { module, provider, label, serial: undefined, libraryParameters: undefined }
  return encodeStart({ token: { ...access, pinFile: pin.file, allowFinalTry: false } })
}

/** The same, logged in to a token that was prepared before. */
export async function startSigner(soft: SoftToken): Promise<SignerProcess> {
  const signer = spawnSigner(soft)
  await signer.request('start', startPayload(soft))
  await signer.request('login', Buffer.alloc(0))
  await signer.request('open', Buffer.alloc(0))
  return signer
}
