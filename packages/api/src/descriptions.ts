import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

export interface DescriptionFile {
  readonly texts: readonly string[]
  /** The type's text, then field and text in turn; texts by index. */
  readonly types: Readonly<Record<string, readonly (number | string)[]>>
}

/** What types and fields are for. Empty texts where the build made none. */
export interface Descriptions {
  type(typeName: string): string
  field(typeName: string, field: string): string
}

/** Beside the bundle, or where the build script leaves them for the sources. */
const places = ['./descriptions.json', '../generated/descriptions.json']

const readText = (): string | undefined => {
  for (const place of places) {
    try {
      return readFileSync(new URL(place, import.meta.url), 'utf8')
    } catch {
      // Built elsewhere, or not at all.
    }
  }
  return undefined
}

/** A hash of all texts: clients keep documents by their hash for good. */
export const descriptionsHash = (): string =>
  createHash('sha256')
    .update(readText() ?? '')
    .digest('hex')

/** Reads the descriptions; to be held only as long as documents are made of them. */
export const loadDescriptions = (): Descriptions => {
  const source = readText()
  return descriptionsIn(source === undefined ? undefined : (JSON.parse(source) as DescriptionFile))
}

export const descriptionsIn = (file: DescriptionFile | undefined): Descriptions => {
  const text = (index: unknown): string => (typeof index === 'number' ? (file?.texts[index] ?? '') : '')
  const fieldOf = (typeName: string, field: string): string => {
    const row = file?.types[typeName]
    const at = row?.indexOf(field, 1) ?? -1
    return at < 0 ? '' : text(row?.[at + 1])
  }
  const first = (typeName: string, find: (name: string) => string): string => {
    for (const name of namesOf(typeName)) {
      const found = find(name)
      if (found !== '') return found
    }
    return ''
  }
  return {
    type: (typeName) => first(typeName, (name) => text(file?.types[name]?.[0])),
    field: (typeName, field) => first(typeName, (name) => fieldOf(name, field)),
  }
}

/** Types of removed versions are for what those of today are for, and have no texts of their own. */
const namesOf = (typeName: string): readonly string[] => {
  const [, group = '', version = '', name = ''] = /^(.*)\.(v\d+(?:alpha|beta)\d+)\.(\w+)$/.exec(typeName) ?? []
  if (group === '') return [typeName]
  const groups = group.endsWith('.extensions') ? ['io.k8s.api.apps', 'io.k8s.api.networking'] : [group]
  return [typeName, ...groups.map((each) => `${each}.${version.replace(/(alpha|beta)\d+$/, '')}.${name}`)]
}
