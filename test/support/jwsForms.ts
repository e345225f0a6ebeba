const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/**
 * Other texts of a compact JWS, which say the same to a decoder that is lenient: only the signature's text is changed, for
 * header and payload are signed as they are written.
 */
export function otherForms(jws: string): ReadonlyMap<string, string> {
  const [header = '', payload = '', signature = ''] = jws.split('.')
  const last = ALPHABET.indexOf(signature.at(-1) ?? '')
  const plain = signature.replaceAll('-', '+').replaceAll('_', '/')
  const signedBy = (text: string): string => [header, payload, text].join('.')
  return new Map([
    ['padded', signedBy(`${signature}==`)],
    ['with a space in it', signedBy(`${signature.slice(0, 9)} ${signature.slice(9)}`)],
    ['with bits left over', signedBy(signature.slice(0, -1) + (ALPHABET[last ^ 1] ?? ''))],
    // The alphabet of plain base64, where the signature has no octets that show it.
    ['of the other alphabet', signedBy(plain === signature ? `${signature}=` : plain)],
    ['with a fourth part', `${jws}.`],
  ])
}
