import { isJsonArray, isJsonObject, type Json } from '@skiff/machinery'

const mostLines = 40

/** What differs between two values, a line a leaf, for texts that say what may not change. */
export const differences = (old: unknown, next: unknown): string => {
  const lines: string[] = []
  walk(lines, old as Json | undefined, next as Json | undefined, '')
  const shown = lines.slice(0, mostLines)
  return [...shown, ...(lines.length > mostLines ? [`  ... // ${lines.length - mostLines} more`] : []), ''].join('\n')
}

const walk = (lines: string[], old: Json | undefined, next: Json | undefined, path: string): void => {
  if (isJsonObject(old) && isJsonObject(next)) {
    for (const key of [...new Set([...Object.keys(old), ...Object.keys(next)])].sort())
      walk(lines, old[key], next[key], path === '' ? key : `${path}.${key}`)
  } else if (isJsonArray(old) && isJsonArray(next)) {
    for (let index = 0; index < Math.max(old.length, next.length); index++) walk(lines, old[index], next[index], `${path}[${index}]`)
  } else if (old !== next) {
    if (old !== undefined) lines.push(`- \t${path}: ${shown(old)}`)
    if (next !== undefined) lines.push(`+ \t${path}: ${shown(next)}`)
  }
}

const shown = (value: Json): string => JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? Number(each) : each))
