// Signers of services that live in a test's own process are started from the build, as in production: from sources each
// would load a compiler first, which takes it longer than all the rest. The file that starts them imports nothing of
// ours, so that the build's stands in for it, and its signer stands beside it. `npm test` has just built it.
import { register } from 'node:module'
import { isMainThread } from 'node:worker_threads'

const BUILT = new URL('../../dist/hsm/spawnSigner.js', import.meta.url).href

// Loaders have a thread of their own.
if (isMainThread) register(import.meta.url)

export function resolve(specifier, context, next) {
  if (specifier.endsWith('/spawnSigner.ts')) return { url: BUILT, format: 'module', shortCircuit: true }
  return next(specifier, context)
}
