/** npm run fuzz: octets that nobody would send, to everything that takes octets from strangers. */
import { parseArgs } from 'node:util'
import { startService } from '../support/startService.ts'
import { campaign } from './campaign.ts'
import { targets } from './targets.ts'

const USAGE = `npm run fuzz -- [options]
  --inputs <n>      for each target (100000)
  --targets <list>  of ${Object.keys(targets).join(',')} (all)
  --seed <text>     the same inputs as another time (a new one)`

const { values: options } = parseArgs({
  options: {
    inputs: { type: 'string', default: '100000' },
    targets: { type: 'string', default: Object.keys(targets).join(',') },
    seed: { type: 'string', default: Date.now().toString(36) },
    help: { type: 'boolean', default: false },
  },
})
const say = (text: string): void => void process.stdout.write(`${text}\n`)

if (options.help) say(USAGE)
else process.exitCode = await run()

/** @returns 1 where anything was found */
async function run(): Promise<number> {
  const { seed } = options
  let found = 0
  const service = await startService({ log: { level: 'warn' } })
  try {
    for (const name of options.targets.split(',')) {
      const make = targets[name]
      if (make === undefined) throw new Error(`${name} is none of the targets`)
      const startedAt = performance.now()
      const { inputs, said, slowestMs, failures } = await campaign(await make(service), {
        inputs: Number(options.inputs),
        seed,
      })
      const words = [...said].map(([word, count]) => `${word} ${count.toLocaleString('en')}`).join(', ')
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(0)
      say(
        `${name}: ${inputs.toLocaleString('en')} inputs in ${seconds} s, slowest ${slowestMs.toFixed(1)} ms: ${words}`,
      )
      for (const failure of failures) say(`  ${failure}`)
      found += failures.length
    }
    await service.checkState()
  } finally {
    await service.close()
  }
  say(found === 0 ? `nothing found (seed ${seed})` : `found something: run it again with --seed ${seed}`)
  return found === 0 ? 0 : 1
}
