import { type Kind, typedOfKind } from '@skiff/api'
import { type FieldSet, type Json, type KubeObject, noFields, setOf, splitApiVersion, type Typed, type Versions } from '@skiff/machinery'
import type { Registry } from '../registry/registry.ts'

/** The kind in another of its versions; undefined when that is not served. */
const inVersion = (registry: Registry, kind: Kind, apiVersion: string): Kind | undefined => {
  if (apiVersion === kind.apiVersion) return kind
  const { group, version } = splitApiVersion(apiVersion)
  const other = registry.findKind(group, version, kind.kind)
  return other?.storedAs === kind.storedAs ? other : undefined
}

export const versionsOf = (registry: Registry, kind: Kind, subresource: string | undefined): Versions => {
  const ignored = ignoredBy(kind, subresource)
  return {
    typeOf: (apiVersion): Typed | undefined => {
      const other = inVersion(registry, kind, apiVersion)
      return other && typedOfKind(other)
    },
    convert: (value, from, to) => (from === to ? value : converted(registry, kind, value, from, to)),
    ignored: () => ignored,
  }
}

const converted = (registry: Registry, kind: Kind, value: Json, from: string, to: string): Json => {
  const source = inVersion(registry, kind, from) ?? kind
  const target = inVersion(registry, kind, to) ?? kind
  // While fields are being taken away, an object may lack what every object has.
  const object = { ...whole, ...(value as object) } as unknown as KubeObject
  const stored = source.conversion ? source.conversion.toStored(object) : object
  const shown = target.conversion ? target.conversion.fromStored(stored) : stored
  const { metadata, spec, ...rest } = shown as KubeObject & { readonly spec?: object }
  const lacks = (part: object | undefined, name: string) =>
    part === undefined || (!(name in (value as object)) && Object.keys(part).length === 0)
  return {
    ...rest,
    ...(lacks(metadata, 'metadata') ? {} : { metadata }),
    ...(lacks(spec, 'spec') ? {} : { spec }),
    apiVersion: target.apiVersion,
    kind: target.kind,
  } as unknown as Json
}

const whole = { metadata: {}, spec: {} }

const cached = new Map<string, FieldSet>()

/** What a write through this door never changes: the status, or everything but the status. */
const ignoredBy = (kind: Kind, subresource: string | undefined): FieldSet => {
  const paths = kind.behaviour.ignoredFields?.[subresource ?? ''] ?? ignoredByDefault(kind, subresource)
  const key = paths.join()
  const set = cached.get(key) ?? setOf(...paths.map((path) => path.split('.').map((name) => `f:${name}`)))
  cached.set(key, set)
  return paths.length === 0 ? noFields : set
}

const ignoredByDefault = (kind: Kind, subresource: string | undefined): readonly string[] => {
  if (subresource === undefined) return kind.hasStatus ? ['status'] : []
  return subresource === 'status' ? ['spec'] : []
}
