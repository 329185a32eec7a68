import { resourceFacts } from '@skiff/api'
import { type KubeObject, splitApiVersion } from '@skiff/machinery'

/** Which kinds a trace may speak of: upstream's own, and those that it defines itself. */
export interface KnownKinds {
  /** By kind, plural or short name, in any case. */
  isNamed(word: string): boolean
  isServed(apiVersion: string, kind: string): boolean
}

interface Definition {
  readonly spec?: {
    readonly group?: string
    readonly names?: { readonly kind?: string; readonly plural?: string; readonly shortNames?: readonly string[] }
    readonly versions?: readonly { readonly name?: string }[]
  }
}

/** `objects`: all that the trace applies, definitions among them. */
export const knownKinds = (objects: readonly unknown[]): KnownKinds => {
  const words = new Set<string>()
  const served = new Set<string>()
  for (const { group, version, kind, plural, shortNames = [] } of resourceFacts) {
    for (const word of [kind, plural, ...shortNames]) words.add(word.toLowerCase())
    served.add(`${group}/${version}/${kind}`)
  }
  for (const object of objects) {
    if ((object as Partial<KubeObject> | null)?.kind !== 'CustomResourceDefinition') continue
    const { group = '', names, versions = [] } = (object as Definition).spec ?? {}
    for (const word of [names?.kind, names?.plural, ...(names?.shortNames ?? [])]) if (word !== undefined) words.add(word.toLowerCase())
    for (const { name = '' } of versions) served.add(`${group}/${name}/${names?.kind}`)
  }
  return {
    isNamed: (word) => words.has(word.toLowerCase()),
    isServed: (apiVersion, kind) => {
      const { group, version } = splitApiVersion(apiVersion)
      return served.has(`${group}/${version}/${kind}`)
    },
  }
}
