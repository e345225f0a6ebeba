import './dpop.suite.ts'
import './liveClients.suite.ts'
import './privateKeyJwt.suite.ts'
import './signedForms.suite.ts'
import { closeShared } from './shared.ts'

after(closeShared)
