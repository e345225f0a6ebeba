// What PostgreSQL and the service show each other, for those who try it: two authorities, whose keys are forgotten at once,
// a certificate for the server, one for each role. Made where they are missing or end soon, else left alone.
//   databaseSecrets.mjs <the server's host name> <the server's folder>:<uid> <the service's folder>:<uid>
import 'reflect-metadata'
import { randomBytes, webcrypto, X509Certificate } from 'node:crypto'
import { chownSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'

const ROLES = ['intaglio_service', 'intaglio_owner']
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY_MS = 86_400_000
const DAYS = 730
const RENEW_DAYS = 30

x509.cryptoProvider.set(webcrypto)

const [host, ...places] = process.argv.slice(2)
const [server, service] = places.map((place) => {
  const at = place.lastIndexOf(':')
  return { folder: place.slice(0, at), uid: Number(place.slice(at + 1)) }
})
// Written last, both of them: what a start that was broken off left behind is made anew.
const made = [join(server.folder, 'clients-ca.crt'), join(service.folder, 'database-ca.crt')]

if (made.every((path) => lasts(path))) console.log('The certificates of the database are there.')
else await make()

async function make() {
  const servers = await authority('Intaglio database authority')
  const clients = await authority('Intaglio database clients authority')
  const shown = await issue(servers, host, [
    new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: host }]),
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
  ])
  writePair(server, 'server', shown)
  // The image wants one. No line of pg_hba.conf asks for it.
  write(server, { name: 'superuser-password', content: randomBytes(24).toString('hex'), mode: 0o400 })
  const usage = new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])
  for (const role of ROLES) writePair(service, role, await issue(clients, role, [usage]))
  write(server, { name: 'clients-ca.crt', content: clients.pem, mode: 0o644 })
  write(service, { name: 'database-ca.crt', content: servers.pem, mode: 0o644 })
  console.log(`The certificates of the database were made; they end in ${DAYS} days.`)
}

async function authority(name) {
  const keys = await newKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(),
    name: `CN=${name}`,
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { name: `CN=${name}`, keys, pem: pem(certificate) }
}

async function issue(issuer, name, extensions) {
  const keys = await newKeys()
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity(),
    subject: `CN=${name}`,
    issuer: issuer.name,
    publicKey: keys.publicKey,
    signingKey: issuer.keys.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.keys.publicKey),
      ...extensions,
    ],
  })
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  const lines = key.replaceAll(/(.{64})(?=.)/g, '$1\n')
  return {
    certificate: pem(certificate),
    key: `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`,
  }
}

function newKeys() {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

function validity() {
  const now = Date.now()
  return {
    // Positive, and not zero (RFC 5280, 4.1.2.2).
    serialNumber: `01${randomBytes(15).toString('hex')}`,
    notBefore: new Date(now - DAY_MS),
    notAfter: new Date(now + DAYS * DAY_MS),
  }
}

function lasts(path) {
  if (!existsSync(path)) return false
  const ends = Date.parse(new X509Certificate(readFileSync(path)).validTo)
  return ends > Date.now() + RENEW_DAYS * DAY_MS
}

function writePair(place, name, { certificate, key }) {
  write(place, { name: `${name}.key`, content: key, mode: 0o400 })
  write(place, { name: `${name}.crt`, content: certificate, mode: 0o644 })
}

/** Whole, because it is renamed into place, and never anyone's but its reader's. */
function write({ folder, uid }, { name, content, mode }) {
  const path = join(folder, name)
  rmSync(`${path}.new`, { force: true })
  writeFileSync(`${path}.new`, content, { flag: 'wx', mode })
  if (uid !== process.getuid()) chownSync(`${path}.new`, uid, uid)
  renameSync(`${path}.new`, path)
}

function pem(certificate) {
  return `${certificate.toString('pem')}\n`
}
