import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Context } from '../../context.ts'
import {
  erasePerson,
  findPerson,
  insertPerson,
  listPersons,
  lockPerson,
  type PersonDetail,
  type PersonRow,
} from '../../db/persons.ts'
import { isCountry } from '../../pki/countries.ts'
import { personalIdentifier } from '../../pki/identifiers.ts'
import { isNameText } from '../../pki/names.ts'
import { Refusal } from '../../refusal.ts'
import { changeContact } from '../../signing/changeFactor.ts'
import { actorOf, found, parsed, recordAct, uuidParam, type Endpoints } from './endpoint.ts'
import { page, pageQuery, uuidPosition } from './page.ts'

/** Upper bounds of the X.520 attributes that the name goes into (RFC 5280, appendix A). */
const NAME_MAX = 64

const name = z.string().trim().min(1).max(NAME_MAX).refine(isNameText, 'holds a character that no name has')
/** An e-mail address, or a telephone number with its country (RFC 6068, RFC 3966). */
const contactSchema = z
  .string()
  .max(254)
  .regex(/^(mailto:[^\s@:,?]+@[^\s@:,?]+|tel:\+[0-9]{5,15})$/, 'mailto:… or tel:+…')

const isIdentifier = (text: string): boolean => text[5] === '-' && !('wrong' in personalIdentifier(text))

const personSchema = z.strictObject({
  givenName: name,
  surname: name,
  country: z.string().refine(isCountry, 'two capital letters (ISO 3166-1)'),
  /** EN 319 412-1, 5.1.3: type, country, hyphen, identifier. */
  serialNumber: z
    .string()
    .max(NAME_MAX)
    .refine(isIdentifier, 'an identifier such as PNONO-12345678901')
    .optional(),
  contact: contactSchema.optional(),
})

/** Registers a person. @returns the person's id, which is the CSC API's userID. */
export async function createPerson(ctx: Context, actor: string, detail: PersonDetail): Promise<string> {
  const id = randomUUID()
  await ctx.db.transaction(async (tx) => {
    await insertPerson(tx, { id, detail })
    await recordAct(tx, { act: 'person.create', actor, subjects: [`person:${id}`] })
  })
  return id
}

export const personEndpoints: Endpoints<'persons'> = {
  'GET /persons': async (ctx, call) => {
    const query = parsed(z.strictObject(pageQuery), call.query)
    const found = await page(
      query,
      ({ limit, after }) => listPersons(ctx.db, { limit, ...uuidPosition(after) }),
      (row) => row.id,
    )
    return { body: { items: found.rows.map(shown), next: found.next } }
  },

  'POST /persons': async (ctx, call) => {
    const id = await createPerson(ctx, actorOf(call), parsed(personSchema, call.body))
    return { status: 201, body: shown(found(await findPerson(ctx.db, id), 'person')) }
  },

  'GET /persons/:id': async (ctx, call) => {
    return { body: shown(found(await findPerson(ctx.db, uuidParam(call, 'person')), 'person')) }
  },

  'POST /persons/:id/contact': async (ctx, call) => {
    const id = uuidParam(call, 'person')
    const { contact } = parsed(z.strictObject({ contact: contactSchema }), call.body)
    const person = found(await findPerson(ctx.db, id), 'person')
    if (person.surname === null) throw new Refusal('conflict', 'The person was erased.')
    await changeContact(ctx, { personId: id, contact, actor: actorOf(call) })
    return { body: shown(found(await findPerson(ctx.db, id), 'person')) }
  },

  'POST /persons/:id/erase': async (ctx, call) => {
    const id = uuidParam(call, 'person')
    await ctx.db.transaction(async (tx) => {
      const person = found(await lockPerson(tx, id), 'person')
      if (person.live > 0) {
        throw new Refusal(
          'conflict',
          'The person has credentials that are enabled or pending: disable them first.',
        )
      }
      await erasePerson(tx, id)
      await recordAct(tx, { act: 'person.erase', actor: actorOf(call), subjects: [`person:${id}`] })
    })
    return { body: shown(found(await findPerson(ctx.db, id), 'person')) }
  },
}

function shown(row: PersonRow): Record<string, unknown> {
  const { id, state, createdAt } = row
  if (row.surname === null) return { id, state, createdAt, erased: true }
  const { givenName, surname, country, serialNumber, contact } = row
  return {
    id,
    state,
    createdAt,
    givenName,
    surname,
    country,
    ...(serialNumber === null ? {} : { serialNumber }),
    ...(contact === null ? {} : { contact }),
  }
}
