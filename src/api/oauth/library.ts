/**
 * The OAuth library writes to the console when it is loaded on Node 20 ("Unsupported runtime"; it works, and the tests
 * here run on it). A service's output is its log, so what the library says while loading is kept for the log instead.
 */
const PREFIX = 'oidc-provider '
const said: string[] = []

async function quietly<T>(work: () => Promise<T>): Promise<T> {
  const { warn, info } = console
  const keep =
    (otherwise: (...values: unknown[]) => void) =>
    (...values: unknown[]): void => {
      const [first] = values
      if (typeof first === 'string' && first.includes(PREFIX)) said.push(first)
      else otherwise(...values)
    }
  console.warn = keep(warn)
  console.info = keep(info)
  try {
    return await work()
  } finally {
    console.warn = warn
    console.info = info
  }
}

export const { Provider, errors } = await quietly(() => import('oidc-provider'))

/** What the library said when it was loaded. */
export const notices: readonly string[] = said
