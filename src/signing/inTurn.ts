/** The last task of each line; who comes next waits for it. */
const lines = new Map<string, Promise<unknown>>()

/** Runs tasks of one name one after another, in the order of asking; tasks of other names do not wait. */
export async function inTurn<T>(name: string, task: () => Promise<T>): Promise<T> {
  const before = lines.get(name) ?? Promise.resolve()
  const mine = before.then(task, task)
  lines.set(name, mine)
  try {
    return await mine
  } finally {
    if (lines.get(name) === mine) lines.delete(name)
  }
}
