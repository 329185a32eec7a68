import { compareBytes, humanDuration, parseTimeMs } from '@skiff/machinery'

/** How long ago a time was, as kubectl prints it. */
export const age = (time: string | null | undefined, nowMs: number): string =>
  time ? humanDuration(nowMs - parseTimeMs(time)) : '<unknown>'

export const labelsText = (labels: Readonly<Record<string, string>> | undefined): string => {
  const keys = Object.keys(labels ?? {}).sort(compareBytes)
  return keys.length === 0 ? '<none>' : keys.map((key) => `${key}=${labels?.[key]}`).join(',')
}

export const boolText = (value: boolean | undefined): string => (value === undefined ? '<unset>' : value ? 'True' : 'False')

const modes: readonly (readonly [string, string])[] = [
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
]
export const accessModesText = (given: readonly string[] | undefined): string =>
  modes
    .filter(([mode]) => given?.includes(mode))
    .map(([, text]) => text)
    .join(',')

/** The first three of a list, and how many there are besides. */
export const firstThree = (list: readonly string[], none: string): string => {
  if (list.length === 0) return none
  const shown = list.slice(0, 3).join(',')
  return list.length > 3 ? `${shown} + ${list.length - 3} more...` : shown
}

/** The addresses of a load balancer: IP or host name, each once, sorted. */
export const balancerAddresses = (ingress: readonly { readonly ip?: string; readonly hostname?: string }[] | undefined): string =>
  [...new Set((ingress ?? []).map(({ ip, hostname }) => ip || hostname || '').filter((address) => address !== ''))].sort().join(',')

export const conditionOf = <T extends { readonly type?: string; readonly status?: string }>(
  conditions: readonly T[] | undefined,
  type: string,
): T | undefined => conditions?.find((each) => each.type === type)
export const isTrue = (conditions: readonly { readonly type?: string; readonly status?: string }[] | undefined, type: string): boolean =>
  conditionOf(conditions, type)?.status === 'True'
