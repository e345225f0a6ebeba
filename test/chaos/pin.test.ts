import { readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { shimmed, type ShimmedToken } from '../softhsm-test-helpers/shim.ts'
import { Ground, type FileConfig, type Place } from './support/ground.ts'

const PIN_INCORRECT = 0xa0
const RESTARTS = 3

describe("a wrong token PIN in a service's file", function () {
  this.timeout(120_000)
  let shim: ShimmedToken
  let ground: Ground
  before(async () => {
    ground = await Ground.make({
      token: (token) => {
        shim = shimmed(token)
        return shim.config
      },
    })
  })
  after(() => ground.remove())

  it('is tried once ever, by two replicas of two signers each that are started again and again', async () => {
    const file = ground.token.config.pin.file
    const right = readFileSync(file, 'utf8')
    writeFileSync(file, '314159\n')
    const places = [await ground.place(), await ground.place()]
    const said: string[] = []
    const fails = async ({ server }: Place): Promise<void> => {
      const { code, err } = await server.ended
      expect(code).to.equal(1)
      said.push(err)
    }
    await Promise.all(places.map(fails))
    for (let start = 0; start < RESTARTS; start++) {
      const place = places[start % 2]
      if (place === undefined) throw new Error('there are two')
      place.restart()
      await fails(place)
    }
    expect(shim.journal().logins.map(({ ckr }) => ckr)).to.deep.equal([PIN_INCORRECT])
    // Whoever did not try it itself says why it does not.
    const sentence =
      `The token ${ground.token.serial} rejected the PIN (version 1). It is not tried again, because tokens lock: ` +
      'put the right PIN into the PIN file and raise pin.version in the configuration.'
    expect(said.filter((text) => text.includes(sentence))).to.have.length.greaterThan(RESTARTS)

    // The right PIN in the file is not enough: nobody knows that it is another one.
    writeFileSync(file, right)
    const [place] = places
    const again = place?.restart()
    expect((await again?.ended)?.code).to.equal(1)
    expect(shim.journal().logins).to.have.length(1)

    const raised = (config: FileConfig): FileConfig => ({
      ...config,
      tokens: config.tokens.map((token) => ({ ...token, pin: { ...token.pin, version: 2 } })),
    })
    await place?.restart({ change: raised }).ready()
    expect(shim.journal().logins.map(({ ckr }) => ckr)).to.deep.equal([PIN_INCORRECT, 0, 0])
    expect((await place?.server.kill('SIGTERM'))?.code).to.equal(0)
    await ground.check()
  })
})
