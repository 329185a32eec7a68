import { Session } from 'node:inspector/promises'

/** Where the time of this thread went, by function: the share of the busy time in percent, largest first. */
export interface Share {
  readonly name: string
  readonly percent: number
}

const session = new Session()
session.connect()

export const startProfile = async (): Promise<void> => {
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: 500 })
  await session.post('Profiler.start')
}

export const stopProfile = async (most = 5): Promise<readonly Share[]> => {
  const { profile } = await session.post('Profiler.stop')
  const names = new Map(profile.nodes.map(({ id, callFrame: { functionName, url } }) => [id, nameOf(functionName, url)]))
  const times = new Map<string, number>()
  let busy = 0
  for (const [at, id] of (profile.samples ?? []).entries()) {
    const name = names.get(id) as string
    const micros = profile.timeDeltas?.[at] ?? 0
    if (name === '(idle)') continue
    busy += micros
    times.set(name, (times.get(name) ?? 0) + micros)
  }
  const sorted = [...times].sort(([, a], [, b]) => b - a).slice(0, most)
  return sorted.map(([name, micros]) => ({ name, percent: Number(((micros / busy) * 100).toFixed(1)) }))
}

const nameOf = (functionName: string, url: string): string => {
  const file = url.split('/').slice(-2).join('/')
  return `${functionName || '(anonymous)'}${file ? ` ${file}` : ''}`
}
