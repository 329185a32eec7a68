/** One media type of an Accept header with its parameters. */
export interface Clause {
  readonly type: string
  readonly parameters: ReadonlyMap<string, string>
}

interface Weighed extends Clause {
  readonly quality: number
}

/** Reads an Accept header as upstream's library does: cases count, quotes stay, what is broken is passed over. The best comes first. */
export const parseAccept = (header: string): readonly Clause[] => {
  const clauses: Weighed[] = []
  for (const part of header.split(',')) {
    const clause = clauseOf(trim(part))
    if (clause) place(clauses, clause)
  }
  return clauses
}

const trim = (text: string): string => text.replace(/^ +| +$/g, '')

const clauseOf = (part: string): Weighed | undefined => {
  const [media = '', ...rest] = part.split(';')
  const words = media.split('/').map(trim)
  const type = words.length === 1 && words[0] === '*' ? '*/*' : words.length === 2 && words[1] !== '' ? words.join('/') : undefined
  if (type === undefined) return undefined
  const parameters = new Map<string, string>()
  let quality = 1
  for (const each of rest) {
    const sides = each.split('=')
    if (sides.length !== 2 || sides[1] === '') continue
    const [name = '', value = ''] = sides.map(trim)
    if (name === 'q') quality = /^\d*\.?\d+$|^\d+\.$/.test(sides[1] ?? '') ? Number(sides[1]) : 0
    else parameters.set(name, value)
  }
  return { type, parameters, quality }
}

/** Upstream's order is none: a wildcard that stands before something more particular gives way to it, whatever their weights say. */
const goesBefore = (a: Weighed, b: Weighed): boolean =>
  a.quality > b.quality || (a.type !== '*/*' && b.type === '*/*') || (!a.type.endsWith('/*') && b.type.endsWith('/*'))

const place = (clauses: Weighed[], clause: Weighed): void => {
  let at = clauses.length
  while (at > 0 && goesBefore(clause, clauses[at - 1] as Weighed)) at--
  clauses.splice(at, 0, clause)
}
