import type { Queries } from './database.ts'

export interface PersonRow {
  readonly id: string
  readonly state: 'enabled' | 'disabled'
  readonly createdAt: Date
  /** Null in every member: erased. */
  readonly givenName: string | null
  readonly surname: string | null
  readonly country: string | null
  readonly serialNumber: string | null
  readonly contact: string | null
}

export interface PersonDetail {
  readonly givenName: string
  readonly surname: string
  /** ISO 3166-1 alpha-2. */
  readonly country: string
  /** EN 319 412-1 semantics identifier; without one, certificates carry a pseudonymous one. */
  readonly serialNumber?: string | undefined
  /** Where messages reach the person: a URI, mailto: or tel:. */
  readonly contact?: string | undefined
}

const COLUMNS = `p.id, p.state, p.created_at as "createdAt", d.given_name as "givenName", d.surname, d.country,
  d.serial_number as "serialNumber", d.contact`

export async function insertPerson(
  q: Queries,
  person: { readonly id: string; readonly detail: PersonDetail },
): Promise<void> {
  await q.query({
    text: `with made as (insert into person (id) values ($1::uuid) returning id)
           insert into person_detail (person_id, given_name, surname, country, serial_number, contact)
           select id, $2::text, $3::text, $4::text, $5::text, $6::text from made`,
    values: [
      person.id,
      person.detail.givenName,
      person.detail.surname,
      person.detail.country,
      person.detail.serialNumber ?? null,
      person.detail.contact ?? null,
    ],
  })
}

export async function findPerson(q: Queries, id: string): Promise<PersonRow | undefined> {
  const rows = await q.query<PersonRow>({
    text: `select ${COLUMNS} from person p left join person_detail d on d.person_id = p.id where p.id = $1::uuid`,
    values: [id],
  })
  return rows[0]
}

/** In order of making; `after` is the id of the last person of the page before. */
export async function listPersons(
  q: Queries,
  query: { readonly limit: number; readonly after?: string | undefined },
): Promise<PersonRow[]> {
  return q.query<PersonRow>({
    text: `select ${COLUMNS} from person p left join person_detail d on d.person_id = p.id
            where $2::uuid is null
               or (p.created_at, p.id) > ((select created_at from person where id = $2::uuid), $2::uuid)
            order by p.created_at, p.id limit $1::int`,
    values: [query.limit, query.after ?? null],
  })
}

/**
 * Locks the person against a new credential, until the transaction ends.
 * @returns undefined for an unknown person; `live` counts credentials that can sign or could soon.
 */
export async function lockPerson(
  q: Queries,
  id: string,
): Promise<{ readonly state: 'enabled' | 'disabled'; readonly live: number } | undefined> {
  const locked = await q.query<{ state: 'enabled' | 'disabled' }>({
    text: 'select state from person where id = $1::uuid for update',
    values: [id],
  })
  const [person] = locked
  if (person === undefined) return undefined
  const live = await q.query({
    text: `select 1 from credential where person_id = $1::uuid and state in ('pending', 'enabled')`,
    values: [id],
  })
  return { state: person.state, live: live.length }
}

/** @returns false where there is nobody any more */
export async function setContact(q: Queries, id: string, contact: string): Promise<boolean> {
  const rows = await q.query({
    text: 'update person_detail set contact = $2::text where person_id = $1::uuid returning 1',
    values: [id, contact],
  })
  return rows.length === 1
}

/** Removes the personal half. The id stays: audit rows and certificates name it. */
export async function erasePerson(q: Queries, id: string): Promise<void> {
  await q.query({
    text: `with gone as (delete from person_detail where person_id = $1::uuid)
           update person set state = 'disabled' where id = $1::uuid`,
    values: [id],
  })
}
