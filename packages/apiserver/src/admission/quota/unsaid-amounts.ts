import type { Pod } from '@skiff/api'

const mustBeSaid = ['cpu', 'limits.cpu', 'limits.memory', 'memory', 'requests.cpu', 'requests.memory']

/** Where a quota counts processor time or memory, every container has to say how much it wants. Empty: all do. */
export const unsaidAmounts = (pod: Pod, counted: readonly string[]): string => {
  const parts: string[] = []
  for (const resource of mustBeSaid) {
    if (!counted.includes(resource)) continue
    const name = resource.replace(/^(requests|limits)\./, '')
    const list = resource.startsWith('limits.') ? 'limits' : 'requests'
    const silent = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]
      .filter(({ resources }) => resources?.[list]?.[name] === undefined)
      .map((container) => container.name)
      .sort()
    const wholePod = pod.spec.resources?.[list]?.[name] !== undefined
    if (silent.length > 0 && !wholePod) parts.push(`${resource} for: ${silent.join(',')}`)
  }
  return parts.length > 0 ? `must specify ${parts.join('; ')}` : ''
}
