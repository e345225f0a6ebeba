import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { Stop } from './say.mjs'

const ROLES = ['postgres', 'intaglio_owner', 'intaglio_service']

export function newPassword() {
  return randomBytes(24).toString('base64url')
}

/**
 * The passwords of an embedded database's roles, made once.
 * @param {string} path
 * @param {boolean} needed a database that has them stands already
 * @returns {Record<string, string>} by role
 */
export function readPasswords(path, needed) {
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8'))
  if (needed) {
    throw new Stop(`${path} is gone, and with it the passwords of the database beside it. Put it back.`)
  }
  const passwords = Object.fromEntries(ROLES.map((role) => [role, newPassword()]))
  writeFileSync(`${path}.new`, `${JSON.stringify(passwords)}\n`, { mode: 0o600 })
  renameSync(`${path}.new`, path)
  return passwords
}
