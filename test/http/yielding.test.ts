import { expect } from 'chai'
import { yielding } from '../../src/yielding.ts'

describe('work that is not asynchronous', () => {
  /** Milliseconds that one piece takes. */
  const PIECE_MS = 2

  it('of many who came at once leaves the event loop to others, and all of it is done', async () => {
    let done = 0
    const piece = (): Promise<void> =>
      yielding(async () => {
        // As of a library that is asynchronous in its form alone.
        await Promise.resolve()
        const until = performance.now() + PIECE_MS
        while (performance.now() < until);
        done++
      })
    const most: number[] = []
    let before = 0
    let isOver = false
    // What has its turn of the loop in the same phase each time sees how many pieces were done since.
    const look = (): void => {
      most.push(done - before)
      before = done
      if (!isOver) setImmediate(look)
    }
    look()
    await Promise.all(Array.from({ length: 60 }, piece))
    isOver = true
    expect(done).to.equal(60)
    // A turn holds one piece, or two; two turns may lie between two looks.
    expect(Math.max(...most)).to.be.within(1, 4)
  })

  it('goes on after a piece that failed, whose caller alone is told', async () => {
    const failing = yielding(() => Promise.reject(new Error('this one')))
    const other = yielding(() => Promise.resolve('done'))
    expect(await failing.catch((error: unknown) => String(error))).to.equal('Error: this one')
    expect(await other).to.equal('done')
  })
})
