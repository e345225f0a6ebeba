import { createRequire } from 'node:module'
import type Jsonld from 'jsonld'
import type { RemoteDocument } from 'jsonld'
import { lazily } from '../../lazily.ts'
import { contextOf } from './contexts.ts'

/** What the library asks for a URL gets from memory, or is refused. */
export function documentLoader(url: string): Promise<RemoteDocument> {
  return Promise.resolve({ contextUrl: null, documentUrl: url, document: contextOf(url), tag: 'static' })
}

/** Nobody here calls the library without a loader. Should anybody, it gets this one and not one that downloads. */
export const jsonld = lazily(() => {
  const loaded = createRequire(import.meta.url)('jsonld') as typeof Jsonld
  loaded.documentLoader = documentLoader
  return loaded
})
