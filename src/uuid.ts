/** A UUID as PostgreSQL writes it, to stand in an expression (RFC 9562, 4). */
export const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'

/** And alone: what is none names nothing, and PostgreSQL need not be asked. */
export const WHOLE_UUID = new RegExp(`^${UUID}$`)
