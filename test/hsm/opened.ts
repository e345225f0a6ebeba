/**
 * A service that opens a token and does nothing more, so that a test can kill it. Reads the token's configuration as JSON
 * from its argument (which holds the PIN's file, not the PIN), prints the signers' process ids.
 */
import { Token, type TokenConfigShape } from '../../hsm/token.ts'
import { MemoryLoginGate } from '../softhsm-test-helpers/loginGate.ts'
import { MemoryLog } from '../softhsm-test-helpers/memoryLog.ts'
import { pids } from './support.ts'

const config = JSON.parse(process.argv[2] ?? '{}') as TokenConfigShape
const log = new MemoryLog()
await Token.open({ config, loginGate: new MemoryLoginGate(), log, prepare: true })
console.log(JSON.stringify(pids(log)))
