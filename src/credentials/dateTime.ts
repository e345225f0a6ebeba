/** XML Schema dateTime as both data models have it. Version 1.1 took times without a zone, which are UTC here. */
const DATE_TIME =
  /^(-?\d{4,})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(\.\d+)?(Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00)?$/

/** Clocks differ by so much. It makes nothing live longer: only what has just been made need not be waited for. */
export const SKEW_MS = 60_000

/** @returns undefined for what is none: another form, a day that its month has not, an hour that no day has */
export function parseDateTime(value: unknown): Date | undefined {
  if (typeof value !== 'string') return undefined
  const [, year, month, day, hour, minute, second, , zone = 'Z'] = DATE_TIME.exec(value) ?? []
  if (year?.length !== 4 || hour === '24') return undefined
  const here = new Date(
    `${year}-${String(month)}-${String(day)}T${String(hour)}:${String(minute)}:${String(second)}Z`,
  )
  // A day that its month has not is another day by then.
  if (Number.isNaN(here.getTime()) || here.getUTCDate() !== Number(day)) return undefined
  const [hours, minutes] = zone === 'Z' ? [0, 0] : [Number(zone.slice(1, 3)), Number(zone.slice(4))]
  const offset = (hours * 60 + minutes) * (zone.startsWith('-') ? -1 : 1)
  return new Date(here.getTime() - offset * 60_000)
}

/** NumericDate (RFC 7519, 2), to the second. */
export const numericDate = (time: Date): number => Math.floor(time.getTime() / 1000)
