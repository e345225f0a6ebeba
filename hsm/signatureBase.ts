/** A component's line: its name, perhaps with parameters, and what it says (RFC 9421, 2.5). */
const COMPONENT = /^"@?[a-z][a-z0-9-]*"(;[a-z]+(="[^"\\]*")?)*: [\x20-\x7e]*$/
const PARAMETERS = '"@signature-params": ('

/**
 * Is the signature base of an HTTP message (RFC 9421, 2.5): a line for each component that is covered, and the parameters
 * last. No certificate, token or document begins with a quotation mark and ends so.
 */
export function isSignatureBase(message: Buffer): boolean {
  const lines = message.toString('latin1').split('\n')
  const last = lines.length - 1
  return lines.every(
    (line, index) => COMPONENT.test(line) && line.startsWith(PARAMETERS) === (index === last),
  )
}
