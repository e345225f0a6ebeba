/** Samples of a scrape, by name and labels as they stand in the text: `name{a="b"}`. */
export type Samples = ReadonlyMap<string, number>

export async function scrape(url: string): Promise<{ text: string; samples: Samples; response: Response }> {
  const response = await fetch(`${url}/metrics`)
  const text = await response.text()
  return { text, samples: samplesOf(text), response }
}

export function samplesOf(text: string): Samples {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const [, sample = '', value = ''] = /^(\S+) (\S+)$/.exec(line) ?? []
      if (sample === '') throw new Error(`no sample: ${line}`)
      return [sample, Number(value)]
    }),
  )
}

/** Metric names as `# TYPE` declares them. */
export function namesOf(text: string): string[] {
  return [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name = '']) => name)
}
