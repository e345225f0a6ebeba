/**
 * The status once the database is back: each connection of the pool whose end was not noticed yet may cost one more 503.
 */
export async function healed(ask: () => Promise<number>, connections: number): Promise<number> {
  const status = await ask()
  return status === 503 && connections > 0 ? healed(ask, connections - 1) : status
}
