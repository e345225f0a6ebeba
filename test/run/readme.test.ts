import { expect } from 'chai'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Clone } from './clone.ts'
import { Running } from './running.ts'

/** A console block of the README: the commands, and what the README says that the first one prints. */
interface Block {
  readonly commands: readonly string[]
  readonly output: readonly string[]
}

function consoleBlocks(readme: string): Block[] {
  return [...readme.matchAll(/^```console\n(.*?)^```$/gms)].map(([, text = '']) => {
    const lines = text.trimEnd().split('\n')
    const isCommand = (line: string): boolean => /^\$ (npm|npx) /.test(line)
    return {
      commands: lines.filter(isCommand).map((line) => line.slice(2)),
      output: lines.filter((line) => !isCommand(line) && line !== ''),
    }
  })
}

/** What differs from run to run: ids, base64, ports and where the checkout is. */
function shape(line: string): string {
  return line
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}/g, 'ID')
    .replaceAll(/[A-Za-z0-9+/]{40,}={0,2}/g, 'BASE64')
    .replaceAll(/127\.0\.0\.1:[0-9]+/g, '127.0.0.1:PORT')
    .replaceAll(/"\/[^"]*\/demo\.json"/g, '"PATH/demo.json"')
    .replaceAll(/\.local-one|\.local/g, 'HOME')
}

describe('The README', function () {
  this.timeout(120_000)
  let clone: Clone
  let service: Running
  let blocks: Block[]

  before(async () => {
    clone = new Clone({ mode: 0o755 })
    blocks = consoleBlocks(readFileSync(join(clone.root, 'README.md'), 'utf8'))
    writeFileSync(join(clone.root, 'some.pdf'), '%PDF-1.4 hello\n')
    service = new Running({ clone, name: 'one', command: ['npm', 'start', '--silent'] })
    await service.ready()
    await service.printed(/Ctrl-C ends it\.$/m)
  })
  after(async () => {
    await service.stop()
    clone.remove('one')
  })

  const run = async (command: string): Promise<string> => {
    const [program = '', ...args] = command.split(' ')
    const running = new Running({ clone, name: 'one', command: [program, ...args] })
    await running.closed
    expect(await running.exited, `${command}\n${running.stdout}${running.stderr}`).to.equal(0)
    return running.stdout
  }

  it('opens with the two commands and what they print', async function () {
    if (spawnSync('openssl', ['version']).status !== 0) {
      console.log('      skipped: openssl is not on the path, and the README shows its verdict')
      this.skip()
    }
    const [start, demo] = blocks
    expect([start?.commands, demo?.commands]).to.deep.equal([['npm start'], ['npm run demo -- some.pdf']])
    const printed = `${service.stdout}${service.stderr}`.split('\n').map(shape)
    expect(printed).to.include.members((start?.output ?? ['?']).map(shape))
    const signed = (await run('npm run demo -- some.pdf')).split('\n').map(shape)
    expect(signed.filter((line) => line !== '' && !line.startsWith('> '))).to.deep.equal(
      demo?.output.map(shape),
    )
  })

  it('shows commands of the command line that work', async () => {
    const commands = blocks.slice(2).flatMap((block) => block.commands)
    expect(commands).to.have.length.greaterThan(3)
    let id = ''
    for (const command of commands) {
      const printed = await run(command.replace('npx ', 'npx --no ').replace('<id>', id))
      id = /^id +([0-9a-f-]{32,36})$/m.exec(printed)?.[1] ?? id
    }
  })
})
