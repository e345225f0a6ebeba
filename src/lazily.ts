import { createRequire } from 'node:module'

const load = createRequire(import.meta.url)

/**
 * A CommonJS library that most processes never need, and that takes a tenth of the start to load: loaded when it is first
 * asked for.
 */
export function lazily<Library>(name: string): () => Library {
  let library: Library | undefined
  return () => (library ??= load(name) as Library)
}
