import { oid } from '../../hsm/der.ts'
import { dottedOid } from '../der/read.ts'
import { nameAttributes } from './names.ts'
import { OID } from './oids.ts'

const HEADER = 2
/** Those that certificates hold, by their content octets: taking one apart costs more than looking it up. */
const known: ReadonlyMap<string, string> = new Map(
  [...Object.values(OID), ...Object.values(nameAttributes).map((row) => row.oid)].map((dotted) => [
    oid(dotted).subarray(HEADER).toString('latin1'),
    dotted,
  ]),
)

/** Dotted form of an OID's content octets. @throws Error */
export const dotted = (content: Buffer): string => known.get(content.toString('latin1')) ?? dottedOid(content)
