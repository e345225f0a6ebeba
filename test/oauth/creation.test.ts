import { closeCreating } from './creating.ts'
import './creation.suite.ts'
import './creationRefusals.suite.ts'

after(closeCreating)
