import './codeFlow.suite.ts'
import './codes.suite.ts'
import './pushed.suite.ts'
import './requests.suite.ts'
import { closeShared } from './shared.ts'

after(closeShared)
