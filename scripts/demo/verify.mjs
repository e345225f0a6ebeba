import { spawnSync } from 'node:child_process'
import { verify as verifySignature, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, isAbsolute, join } from 'node:path'
import { near } from './paths.mjs'
import { Failure } from './session.mjs'

/**
 * Verifies what was written, with the system's openssl or, where there is none, with Node.
 * @param {{ file: string, signatureFile: string, chainFile: string, caFile: string }} files
 * @throws {Failure} when a judge says no
 */
export function verify(files) {
  if (spawnSync('openssl', ['version']).status === 0) verifyWithOpenssl(files)
  else verifyWithNode(files)
}

function verifyWithOpenssl({ file, signatureFile, chainFile, caFile }) {
  console.log('\nVerified with openssl:')
  const folder = mkdtempSync(join(tmpdir(), 'intaglio-demo-'))
  const keyFile = join(folder, 'key.pem')
  try {
    writeFileSync(keyFile, openssl(['x509', '-in', chainFile, '-noout', '-pubkey'], keyFile))
    openssl(['dgst', '-sha256', '-verify', keyFile, '-signature', signatureFile, file])
    openssl(['verify', '-x509_strict', '-CAfile', caFile, '-untrusted', chainFile, chainFile])
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Prints the line as a person would type it, where the person stands. @returns {string} what openssl printed */
function openssl(args, into) {
  const line = `$ openssl ${args.map(shown).join(' ')}`
  console.log(into ? `${line} > ${shown(into)}` : line)
  const { status, stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8' })
  if (status !== 0) throw new Failure(`openssl says no: ${stdout}${stderr}`.trimEnd())
  if (!into) console.log(`  ${stdout.trim().split(': ').map(shown).join(': ')}`)
  return stdout
}

function shown(argument) {
  if (!isAbsolute(argument)) return argument
  if (argument.startsWith(tmpdir()) && basename(argument) === 'key.pem') return 'key.pem'
  return near(argument)
}

function verifyWithNode({ file, signatureFile, chainFile, caFile }) {
  console.log('\nVerified with Node, because openssl is not on the path:')
  const root = new X509Certificate(readFileSync(caFile))
  const chain = readFileSync(chainFile, 'utf8')
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .map((text) => new X509Certificate(text))
  if (!verifySignature('sha256', readFileSync(file), chain[0].publicKey, readFileSync(signatureFile))) {
    throw new Failure('The signature is not good.')
  }
  console.log('  the signature is good')
  const issuers = [...chain.slice(1), root]
  for (const [index, certificate] of chain.entries()) {
    // The root may end the chain that the service sent, too.
    const issuer = certificate.raw.equals(root.raw) ? root : issuers[index]
    if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey)) {
      throw new Failure(`The certificate of ${certificate.subject} is not good.`)
    }
  }
  console.log(`  the certificates lead to ${root.subject.replaceAll('\n', ', ')}`)
}
