import { createHash } from 'node:crypto'
import { PDF, type Signer } from '@libpdf/core'

const SHA_256 = '2.16.840.1.101.3.4.2.1'
const SIGN_ALGO = { EC: '1.2.840.10045.4.3.2', RSA: '1.2.840.113549.1.1.11' }

interface Holder {
  url: string // with the mount: https://sign.example.org/csc/v2
  token: string // of the scope service, by client_credentials
  credentialID: string // of mode explicit
  pin: string
}
interface Answer {
  cert: { certificates: string[] }
  key: { algo: string[] }
  SAD: string
  signatures: string[]
}

async function cscSigner({ url, token, credentialID, pin }: Holder): Promise<Signer> {
  const call = async (method: string, members: object): Promise<Answer> => {
    const response = await fetch(`${url}/${method}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ credentialID, ...members }),
    })
    if (!response.ok) throw new Error(`${method}: ${response.status} ${await response.text()}`)
    return (await response.json()) as Answer
  }
  const octets = (base64 = ''): Uint8Array => Buffer.from(base64, 'base64')

  const { cert, key } = await call('credentials/info', { certificates: 'chain' })
  const [certificate, ...certificateChain] = cert.certificates
  const keyType = key.algo.includes(SIGN_ALGO.EC) ? 'EC' : 'RSA'
  return {
    certificate: octets(certificate),
    certificateChain: certificateChain.map(octets),
    keyType,
    signatureAlgorithm: keyType === 'EC' ? 'ECDSA' : 'RSASSA-PKCS1-v1_5',
    sign: async (signedAttributes) => {
      const hashes = [createHash('sha256').update(signedAttributes).digest('base64')]
      const what = { hashes, hashAlgorithmOID: SHA_256 }
      const authData = [{ id: 'PIN', value: pin }]
      const { SAD } = await call('credentials/authorize', { numSignatures: 1, ...what, authData })
      const signed = await call('signatures/signHash', { SAD, ...what, signAlgo: SIGN_ALGO[keyType] })
      return octets(signed.signatures[0])
    },
  }
}

/** @returns the document with a PAdES signature */
export async function signPdf(document: Uint8Array, holder: Holder): Promise<Uint8Array> {
  const pdf = await PDF.load(document)
  const { bytes } = await pdf.sign({ signer: await cscSigner(holder), level: 'B-B' })
  return bytes
}
