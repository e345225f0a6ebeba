/** Fills a token with key pairs that nobody uses: copies of one pair, each under an id of its own. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import pkcs11js from 'pkcs11js'
import { keyTypes } from '../../hsm/algorithms.ts'
import type { TokenConfigShape } from '../../hsm/types.ts'

interface Plan {
  readonly module: string
  readonly label: string
  readonly pinFile: string
  readonly pairs: number
}

const self = fileURLToPath(import.meta.url)
/** Pairs between two words of progress. */
const STEP = 500

/** In a process of its own, since this one has other work and the module may take long. */
export async function fill(
  token: TokenConfigShape,
  pairs: number,
  progress: (done: number) => void,
): Promise<void> {
  const { module, label, pin, environment } = token
  const child = spawn(process.execPath, ['--import', 'tsx', self, 'run'], {
    env: { PATH: process.env['PATH'] ?? '', ...environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.end(JSON.stringify({ module, label, pinFile: pin.file, pairs }))
  child.stdout.on('data', (chunk: Buffer) => {
    const last = chunk.toString().trim().split('\n').at(-1)
    progress(Number(last))
  })
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error('the token was not filled')
}

if (process.argv[2] === 'run') run(JSON.parse(readFileSync(0, 'utf8')) as Plan)

function run({ module, label, pinFile, pairs }: Plan): void {
  const lib = new pkcs11js.PKCS11()
  lib.load(module)
  lib.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK })
  const slot = lib
    .C_GetSlotList(true)
    .find((handle) => lib.C_GetTokenInfo(handle).label.replace(/[\0 ]+$/, '') === label)
  if (slot === undefined) throw new Error('no such token')
  const session = lib.C_OpenSession(slot, pkcs11js.CKF_RW_SESSION | pkcs11js.CKF_SERIAL_SESSION)
  lib.C_Login(session, pkcs11js.CKU_USER, readFileSync(pinFile, 'utf8').trim())
  const row = keyTypes['P-256']
  const made = lib.C_GenerateKeyPair(
    session,
    { mechanism: row.generate },
    [{ type: pkcs11js.CKA_EC_PARAMS, value: row.curve?.params ?? Buffer.alloc(0) }],
    [{ type: pkcs11js.CKA_SIGN, value: true }],
  )
  for (let pair = 1; pair <= pairs; pair++) {
    const ckaId = randomBytes(16)
    for (const half of [made.publicKey, made.privateKey]) {
      lib.C_CopyObject(session, half, [
        { type: pkcs11js.CKA_TOKEN, value: true },
        { type: pkcs11js.CKA_ID, value: ckaId },
      ])
    }
    if (pair % STEP === 0) process.stdout.write(`${pair}\n`)
  }
  lib.C_Finalize()
}
