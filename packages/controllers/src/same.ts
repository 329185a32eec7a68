const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  (Array.isArray(value) && value.length === 0) ||
  (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every((one) => one === undefined))

/** Equal as wire JSON, where what is absent, null or an empty list or map is the same: upstream's semantic equality. */
export const same = (a: unknown, b: unknown): boolean => {
  if (a === b) return true
  if (isEmpty(a) || isEmpty(b)) return isEmpty(a) && isEmpty(b)
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b))
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, index) => same(item, b[index]))
  const left = a as Record<string, unknown>
  const right = b as Record<string, unknown>
  const names = new Set([...Object.keys(left), ...Object.keys(right)])
  for (const name of names) if (!same(own(left, name), own(right, name))) return false
  return true
}

const own = (map: Record<string, unknown>, name: string): unknown => (Object.hasOwn(map, name) ? map[name] : undefined)

/** One text for all that `same` calls equal: keys sorted, what is empty left out. */
export const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const map = value as Record<string, unknown>
  const parts = Object.keys(map)
    .filter((name) => !isEmpty(map[name]))
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(map[name])}`)
  return `{${parts.join(',')}}`
}
