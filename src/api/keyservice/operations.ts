import type { Operation } from '../http/openapi.ts'
import { problemOperations } from '../http/problemOperations.ts'
import { keyservice } from './router.ts'

/** The face as the API's document describes it. */
export const keyserviceOperations = (): Operation[] =>
  problemOperations(keyservice.endpoints, {
    tag: 'Key service',
    clause: 'The interface of the key service, docs/key-service.md',
  })
