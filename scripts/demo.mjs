// Signs a file by the Cloud Signature Consortium's API, as any client would: HTTP alone, nothing of the service's own.
// `npm run demo -- some.pdf` writes some.pdf.sig (DER) and some.pdf.pem (certificates, the signer's first).
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { meant, near } from './demo/paths.mjs'
import { Failure, Session } from './demo/session.mjs'
import { verify } from './demo/verify.mjs'

const SHA256 = '2.16.840.1.101.3.4.2.1'
const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2'

try {
  await main(process.argv[2])
} catch (error) {
  if (!(error instanceof Failure)) throw error
  console.error(error.message)
  process.exitCode = 1
}

async function main(argument) {
  const file = fileToSign(argument)
  const { demo, path } = readDemo()
  console.log('The secrets in the curl lines stand in demo.json; to run the lines yourself:')
  for (const [name, member] of Object.entries({ CLIENT_SECRET: 'clientSecret', PIN: 'pin' })) {
    console.log(`  ${name}=$(node -p 'require("${path}").${member}')`)
  }
  const session = new Session(demo)
  await authenticate(session, demo)
  const chain = await findCredential(session, demo)
  const digest = await sha256(file)
  const signature = await sign(session, demo, digest)
  const [signatureFile, chainFile] = [`${file}.sig`, `${file}.pem`]
  write(signatureFile, Buffer.from(signature, 'base64'))
  write(chainFile, chain.map(pem).join(''))
  console.log(`\nWrote ${near(signatureFile)} and ${near(chainFile)}.`)
  verify({ file, signatureFile, chainFile, caFile: resolve(path, '..', demo.caCertificate) })
}

async function authenticate(session, demo) {
  session.title('An access token for the client')
  const answer = await session.form('/oauth2/token', { grant_type: 'client_credentials', scope: 'service' })
  session.secrets.TOKEN = answer.access_token
  console.log(`TOKEN is the access_token; it lives ${answer.expires_in} s.`)
  session.title(`The credentials of ${demo.userID}`)
  const { credentialIDs } = await session.post('/csc/v2/credentials/list', { userID: demo.userID })
  console.log(credentialIDs.map((id) => `  ${id}`).join('\n'))
}

/** @returns {Promise<string[]>} certificates in base64 DER, the signer's first */
async function findCredential(session, demo) {
  session.title('Its certificates')
  const body = { credentialID: demo.credentialID, certificates: 'chain', certInfo: true }
  const { cert, key } = await session.post('/csc/v2/credentials/info', body)
  console.log(`  ${cert.subjectDN}, ${cert.status}, ${key.len} bit`)
  return cert.certificates
}

async function sign(session, demo, digest) {
  session.title('Activation: the PIN opens the key for this one digest')
  session.secrets.PIN = demo.pin
  const { SAD, expiresIn } = await session.post('/csc/v2/credentials/authorize', {
    credentialID: demo.credentialID,
    numSignatures: 1,
    hashes: [digest],
    hashAlgorithmOID: SHA256,
    authData: [{ id: 'PIN', value: demo.pin }],
  })
  session.secrets.SAD = SAD
  console.log(`SAD is the SAD; it lives ${expiresIn} s and signs once.`)
  session.title('The signature')
  const { signatures } = await session.post('/csc/v2/signatures/signHash', {
    credentialID: demo.credentialID,
    SAD,
    hashes: [digest],
    hashAlgorithmOID: SHA256,
    signAlgo: ECDSA_WITH_SHA256,
  })
  console.log(`  ${signatures[0]}`)
  return signatures[0]
}

function fileToSign(argument) {
  if (!argument) throw new Failure('Name the file to sign: npm run demo -- some.pdf')
  const file = meant(argument)
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) throw new Failure(`There is no file ${argument}.`)
  return file
}

function readDemo() {
  const path = join(
    resolve(process.env.INTAGLIO_HOME || join(import.meta.dirname, '..', '.local')),
    'demo.json',
  )
  if (!existsSync(path)) {
    throw new Failure(
      `There is no ${near(path)} yet: the service writes it. Run npm start in another terminal first.`,
    )
  }
  return { demo: JSON.parse(readFileSync(path, 'utf8')), path }
}

async function sha256(file) {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('base64')
}

function write(path, content) {
  try {
    writeFileSync(path, content)
  } catch (error) {
    throw new Failure(`${path} cannot be written (${error.code}).`)
  }
}

function pem(der) {
  return `-----BEGIN CERTIFICATE-----\n${der.replaceAll(/(.{64})(?=.)/g, '$1\n')}\n-----END CERTIFICATE-----\n`
}
