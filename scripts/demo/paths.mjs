import { relative, resolve } from 'node:path'

/** Where the person stands: npm runs scripts in the package's folder, and tells. */
const HERE = process.env.INIT_CWD ?? process.cwd()

/** What a person means by a path. */
export function meant(path) {
  return resolve(HERE, path)
}

/** A path as the person would write it. */
export function near(path) {
  const way = relative(HERE, path)
  return way === '' || way.startsWith('..') ? path : way
}
