/** Whether a caller who names entity tags has this one already (If-None-Match: RFC 9110, 13.1.2: compared weakly). */
export function isNamed(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  return header.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === etag)
}
