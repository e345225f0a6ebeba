import { expect } from 'chai'
import type { AsyncLocalStorage } from 'node:async_hooks'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { lettingGo } from '../../src/api/oauth/library.ts'

describe('the OAuth library', () => {
  it('has Node call hooks for every promise only while some request is with it', async function () {
    const path = 'oidc-provider/lib/helpers/als.js'
    const { default: storage } = (await import(path)) as { readonly default: AsyncLocalStorage<object> }
    // Node 24 and later need no hooks, and have no such member.
    const hasHooks = (): unknown => Reflect.get(storage, 'enabled')
    storage.disable()
    if (hasHooks() !== false) this.skip()
    const ends: (() => void)[] = []
    const serve = lettingGo(() =>
      storage.run({}, () => new Promise<void>((resolve) => void ends.push(resolve))),
    )
    const request = new IncomingMessage(new Socket())
    const response = new ServerResponse(request)
    const [first, second] = [serve(request, response), serve(request, response)]
    ends[0]?.()
    await first
    expect(hasHooks()).to.equal(true)
    ends[1]?.()
    await second
    expect(hasHooks()).to.equal(false)
  })
})
