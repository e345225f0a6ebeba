/** Whether `If-None-Match` names the entity tag that there is: whoever sends it has that already (RFC 9110, 13.1.2: compared weakly). */
export function matchesEtag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  return ifNoneMatch.split(',').some((one) => one.trim() === '*' || one.trim().replace(/^W\//, '') === etag)
}
