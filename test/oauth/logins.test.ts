import './accountToken.suite.ts'
import './deletion.suite.ts'
import './login.suite.ts'
import './refresh.suite.ts'
import { closeShared } from './shared.ts'

after(closeShared)
