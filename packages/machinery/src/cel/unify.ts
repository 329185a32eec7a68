import { dynType, isWild, type StaticType, sameType } from './static-types.ts'

/** What the parameters of types stand for, as far as it is known. */
export class Unifier {
  private known = new Map<string, StaticType>()
  private made = 0

  fresh(): StaticType {
    return { kind: 'param', name: `_var${this.made++}`, params: [] }
  }

  /** A type with its parameters replaced by what they stand for; free ones become dyn where `close` says so. */
  resolve(type: StaticType, close = false): StaticType {
    const held = this.known.get(type.name)
    if (type.kind === 'param') return held ? this.resolve(held, close) : close ? dynType : type
    if (type.params.length === 0) return type
    return { ...type, params: type.params.map((each) => this.resolve(each, close)) }
  }

  /** Whether values of one type may stand where the other is wanted; if so, what that says of parameters is kept. */
  assign(types: readonly StaticType[], wanted: readonly StaticType[]): boolean {
    if (types.length !== wanted.length) return false
    const before = new Map(this.known)
    if (types.every((type, index) => this.fits(type, wanted[index] as StaticType))) return true
    this.known = before
    return false
  }

  private fits(a: StaticType, b: StaticType): boolean {
    if (b.kind === 'param') {
      const found = this.substitutes(a, b)
      if (found !== undefined) return found
    }
    if (a.kind === 'param') return this.substitutes(b, a) ?? false
    if (isWild(a) || isWild(b)) return true
    if (a.kind === 'null' || b.kind === 'null') return takesNull(a.kind === 'null' ? b : a)
    if (a.kind !== b.kind) return false
    if (a.kind === 'type') return true
    return (
      a.name === b.name &&
      a.params.length === b.params.length &&
      a.params.every((each, index) => this.fits(each, b.params[index] as StaticType))
    )
  }

  /** Whether a type may be what a parameter stands for; undefined where the other direction may be asked. */
  private substitutes(type: StaticType, param: StaticType): boolean | undefined {
    if (type.kind === 'param' && type.name === param.name) return true
    const held = this.known.get(param.name)
    if (held) {
      if (sameType(type, held)) return true
      if (!this.fits(type, held)) return false
      const general = isLessSpecific(type, held) ? type : held
      if (!this.speaksOf(general, param)) this.known.set(param.name, general)
      return true
    }
    if (this.speaksOf(type, param)) return undefined
    this.known.set(param.name, type)
    return true
  }

  private speaksOf(type: StaticType, param: StaticType): boolean {
    if (type.kind !== 'param') return type.params.some((each) => this.speaksOf(each, param))
    if (type.name === param.name) return true
    const held = this.known.get(type.name)
    return held !== undefined && this.speaksOf(held, param)
  }
}

const takesNull = ({ kind, name }: StaticType): boolean =>
  ['null', 'object', 'opaque'].includes(kind) || name === 'duration' || name === 'timestamp'

/** The first type is the second, or a more general one. */
export const isLessSpecific = (a: StaticType, b: StaticType): boolean => {
  if (a.kind === 'dyn' || a.kind === 'param') return true
  if (b.kind === 'dyn' || b.kind === 'param' || a.kind !== b.kind) return false
  if (a.kind === 'type') return true
  return a.name === b.name && a.params.every((each, index) => isLessSpecific(each, b.params[index] as StaticType))
}
