import { startService, type TestService } from '../support/startService.ts'

let started: Promise<TestService> | undefined

/** One service for all suites of a file: starting one costs more than most of them. Each makes clients of its own. */
export function sharedService(): Promise<TestService> {
  started ??= startService()
  return started
}

/** For the root of the file: `after(closeShared)`. */
export async function closeShared(): Promise<void> {
  const service = await started
  started = undefined
  await service?.close()
}
