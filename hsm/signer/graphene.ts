import { createRequire } from 'node:module'
import type * as Graphene from 'graphene-pk11'

/**
 * By require: for an import Node would read all of the library's files once more, to learn the names in them. That is a
 * third of the time in which a signer starts.
 */
export const graphene = createRequire(import.meta.url)('graphene-pk11') as typeof Graphene
