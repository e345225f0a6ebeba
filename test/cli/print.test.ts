import { expect } from 'chai'
import { Writable } from 'node:stream'
import { bar, printItem, printPage, progress } from '../../scripts/cli/print.ts'

class Sink extends Writable {
  text = ''
  readonly isTTY: boolean

  constructor(isTTY = false) {
    super()
    this.isTTY = isTTY
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

describe('what the command line prints', () => {
  const output = (options: { json?: boolean; isTTY?: boolean } = {}) => {
    const out = new Sink()
    const err = new Sink(options.isTTY)
    return { json: options.json ?? false, out, err }
  }

  it('one thing, a line for each member, whatever its depth', () => {
    const to = output()
    printItem(to, { id: 'a', health: { up: true }, roles: ['x', 'y'], gone: null })
    expect(to.out.text).to.equal('id         a\nhealth.up  true\nroles      x,y\ngone       -\n')
  })

  it('a list as a table, and on the other stream how to go on', () => {
    const to = output()
    printPage(to, { items: [{ id: 'long-id', state: 'on' }, { id: 'b' }], next: 'abc' }, ['id', 'state'])
    expect(to.out.text).to.equal('id       state\nlong-id  on\nb        -\n')
    expect(to.err.text).to.equal('There are more: --cursor abc\n')
  })

  it('JSON as it came', () => {
    const to = output({ json: true })
    printPage(to, { items: [{ id: 'a' }] }, ['id'])
    expect(JSON.parse(to.out.text)).to.deep.equal({ items: [{ id: 'a' }] })
    expect(to.err.text).to.equal('')
  })

  it('a bar for long work, on a terminal', () => {
    const to = output({ isTTY: true })
    const shown = progress(to, 'Creating', 4)
    shown.step(1)
    shown.end()
    expect(to.err.text).to.equal('\rCreating [########......................] 1/4\r\u001b[K')
    expect(bar(0, 4)).to.equal('[..............................] 0/4')
    expect(bar(4, 4)).to.equal('[##############################] 4/4')
    expect(bar(0, 0)).to.equal('[##############################] 0/0')
  })

  it('no bar where nobody looks at it', () => {
    for (const to of [output(), output({ isTTY: true, json: true })]) {
      const shown = progress(to, 'Creating', 4)
      shown.step(1)
      shown.end()
      expect(to.err.text).to.equal('')
    }
  })
})
