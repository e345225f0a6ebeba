import { X509Certificate } from 'node:crypto'
import { PDF } from '@libpdf/core'
import type { TestCredential, TestService } from '../support/startService.ts'
import { signPdf } from './pdfSigner.ts'

/** A page of text, signed at the service as a customer's program would. */
export async function signedPdf(service: TestService, credential: TestCredential): Promise<Buffer> {
  const pdf = PDF.create()
  pdf.addPage().drawText('A contract', { x: 50, y: 700 })
  const holder = {
    url: `${service.url}/csc/v2`,
    token: await service.serviceToken(),
    credentialID: credential.id,
    pin: credential.pin,
  }
  return Buffer.from(await signPdf(await pdf.save(), holder))
}

/**
 * The one signature of a PDF (ISO 32000-1, 12.8.1): the CMS, in DER without what pads it, and the octets that it is over.
 * @throws Error unless these are all octets but the signature's own
 */
export function signatureOf(pdf: Buffer): { cms: Buffer; covered: Buffer } {
  const ranges = [...pdf.toString('latin1').matchAll(/\/ByteRange\s*\[(\d+) +(\d+) +(\d+) +(\d+) *\]/g)]
  const [start, length = 0, rest = 0, last = 0] = (ranges[0] ?? []).slice(1).map(Number)
  const contents = pdf.toString('latin1', length, rest)
  const covers = start === 0 && rest + last === pdf.length && /^<([0-9a-f]{2})+>$/i.test(contents)
  if (ranges.length !== 1 || !covers) throw new Error('there are octets that no signature is over')
  const padded = Buffer.from(contents.slice(1, -1), 'hex')
  // A sequence whose length takes two octets: a CMS with a chain is between 256 and 65535 octets long.
  if (padded.readUInt16BE(0) !== 0x3082) throw new Error('/Contents is not a CMS')
  const end = 4 + padded.readUInt16BE(2)
  if (padded.subarray(end).some((octet) => octet !== 0)) throw new Error('/Contents holds more than a CMS')
  return {
    cms: padded.subarray(0, end),
    covered: Buffer.concat([pdf.subarray(0, length), pdf.subarray(rest)]),
  }
}

/** Another document by one octet, and a good one: it says that it is PDF 1.6. */
export function altered(pdf: Buffer): Buffer {
  const [mine, others] = ['%PDF-1.7', '%PDF-1.6']
  if (!pdf.toString('latin1').startsWith(mine)) throw new Error('this is not PDF 1.7')
  return Buffer.concat([Buffer.from(others), pdf.subarray(others.length)])
}

/** The certificate that this service's chains end in, as its operator hands it out. PEM. */
export async function rootOf(service: TestService): Promise<string> {
  const [row] = await service.sql<{ der: Buffer }>(`select der from certificate where profile = 'root'`)
  if (row === undefined) throw new Error('there is no root')
  return new X509Certificate(row.der).toString()
}
