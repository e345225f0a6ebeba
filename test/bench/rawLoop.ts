/**
 * What the token alone gives on this machine: synchronous PKCS#11, a cached handle, nothing else. One process of these
 * per core; the plan comes on standard input, the count goes to standard output.
 */
import { createPublicKey, randomBytes, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { once } from 'node:events'
import pkcs11js from 'pkcs11js'
import { keyTypes, schemes, type KeyType, type SchemeName } from '../../hsm/algorithms.ts'
import { mechanismOf, prepare } from '../../hsm/signer/sign.ts'
import { verifiesRsaDigest } from '../../hsm/verify.ts'

interface Plan {
  readonly module: string
  readonly label: string
  readonly pinFile: string
  readonly keyType: KeyType
  readonly scheme: SchemeName
  readonly verify: boolean
  readonly seconds: number
}

const lines = process.stdin.setEncoding('utf8')
const [text] = (await once(lines, 'data')) as [string]
const plan = JSON.parse(text) as Plan
const row = keyTypes[plan.keyType]
const scheme = schemes[plan.scheme]

const lib = new pkcs11js.PKCS11()
lib.load(plan.module)
lib.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK })
const slot = lib
  .C_GetSlotList(true)
  .find((handle) => lib.C_GetTokenInfo(handle).label.replace(/[\0 ]+$/, '') === plan.label)
if (slot === undefined) throw new Error('no such token')
const session = lib.C_OpenSession(slot, pkcs11js.CKF_RW_SESSION | pkcs11js.CKF_SERIAL_SESSION)
lib.C_Login(session, pkcs11js.CKU_USER, readFileSync(plan.pinFile, 'utf8').trim())
const { privateKey, publicKey } = generate()
const rsa = row.curve === undefined ? rsaKey() : undefined

process.stdout.write('ready\n')
await once(lines, 'data')
const digest = scheme.hash === undefined ? randomBytes(32) : randomBytes(scheme.hash.length)
const data = prepare(row, scheme, digest)
const mechanism = mechanismOf(scheme)
run(0.3)
process.stdout.write(`${JSON.stringify(run(plan.seconds))}\n`)
lib.C_Finalize()
process.exit(0)

/** Session objects: the token is left as it was. */
function generate(): { privateKey: Buffer; publicKey: Buffer } {
  const parameters =
    row.curve === undefined
      ? [
          { type: pkcs11js.CKA_MODULUS_BITS, value: row.bits },
          { type: pkcs11js.CKA_PUBLIC_EXPONENT, value: Buffer.from('010001', 'hex') },
        ]
      : [{ type: pkcs11js.CKA_EC_PARAMS, value: row.curve.params }]
  return lib.C_GenerateKeyPair(
    session,
    { mechanism: row.generate },
    [
      { type: pkcs11js.CKA_TOKEN, value: false },
      { type: pkcs11js.CKA_PRIVATE, value: false },
      { type: pkcs11js.CKA_VERIFY, value: true },
      ...parameters,
    ],
    [
      // On the token, as the service's keys are: SoftHSM reads their files anew at each use.
      { type: pkcs11js.CKA_TOKEN, value: true },
      { type: pkcs11js.CKA_PRIVATE, value: true },
      { type: pkcs11js.CKA_SIGN, value: true },
    ],
  )
}

/** cpu: microseconds of processor for each. */
function run(seconds: number): { count: number; seconds: number; cpu: number } {
  const before = process.cpuUsage()
  const start = performance.now()
  const end = start + seconds * 1000
  let count = 0
  let now = start
  while (now < end) {
    for (let i = 0; i < 8; i++) one()
    count += 8
    now = performance.now()
  }
  const { user, system } = process.cpuUsage(before)
  return { count, seconds: (now - start) / 1000, cpu: (user + system) / count }
}

function one(): void {
  lib.C_SignInit(session, mechanism, privateKey)
  const signature = lib.C_Sign(session, data, Buffer.alloc(row.signatureLength))
  if (!plan.verify) return
  if (!isGood(signature)) throw new Error('a signature does not verify')
}

/** As the service does it: ECDSA in a token, RSA outside. */
function isGood(signature: Buffer): boolean {
  if (rsa !== undefined && scheme.hash !== undefined) {
    return verifiesRsaDigest(
      { key: rsa, keyType: plan.keyType, scheme, hash: scheme.hash },
      { digest, signature },
    )
  }
  lib.C_VerifyInit(session, mechanism, publicKey)
  return lib.C_Verify(session, data, signature)
}

function rsaKey(): KeyObject {
  const part = (type: number): string => {
    const [read] = lib.C_GetAttributeValue(session, publicKey, [{ type }])
    return Buffer.from(read?.value as Buffer).toString('base64url')
  }
  const jwk = { kty: 'RSA', n: part(pkcs11js.CKA_MODULUS), e: part(pkcs11js.CKA_PUBLIC_EXPONENT) }
  return createPublicKey({ key: jwk, format: 'jwk' })
}
