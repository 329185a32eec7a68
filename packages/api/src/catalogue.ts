import {
  compileSchemas,
  type DecodeFormats,
  decodeObject,
  type EncodedObject,
  encodeObject,
  type KubeObject,
  type ObjectSchema,
  type Typed,
  unknownFields,
  withoutUnset,
} from '@skiff/machinery'
import type { Column } from './columns/column.ts'
import type { Conversion } from './conversion.ts'
import { type ResourceFacts, resourceFacts, type SubresourceFacts, selectableFields, typeFacts } from './facts.ts'
import { compileDropDisabled, type DropDisabled } from './features/gated-fields.ts'
import { servedResources } from './features/gated-resources.ts'
import { defaultGates, type Gates } from './features/gates.ts'
import { type Serves, servesDefaults } from './features/runtime-config.ts'
import { underGates } from './features/scope.ts'
import { fromOtherVersion, siblingOf } from './features/sibling-versions.ts'
import type { Behaviour, KindEntry } from './kind.ts'
import { type Resource, resourceKey } from './resource.ts'
import { fieldGetter } from './selectable.ts'

/** How objects of a kind leave and enter the wire. A CRD's codec is made at run time. */
export interface Codec<T extends KubeObject = KubeObject> {
  /** Type-checks, drops unknown fields and applies constant defaults; throws a DecodeError. `hasUnknown`: see `unknown`. */
  decode(input: Readonly<Record<string, unknown>>): { readonly object: T; readonly hasUnknown: boolean }
  /** `unknown field "spec.x"`, in the input's order. */
  unknown(input: Readonly<Record<string, unknown>>): readonly string[]
  encode(object: T): EncodedObject
  /** What `encode` wrote, as `decode` would give it. Absent: the same. */
  read?(stored: T): T
}

export type { Conversion } from './conversion.ts'

/** A resource as the server holds it: names, codec, behaviour and what derives from them. */
export interface Kind<T extends KubeObject = KubeObject> extends Resource<T> {
  readonly apiVersion: string
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly listKind: string
  readonly verbs: readonly string[]
  readonly subresources: readonly SubresourceFacts[]
  readonly preferred: boolean
  readonly storageVersionHash: string
  /** Key of its type in the facts; '' for a CRD. */
  readonly typeName: string
  readonly codec: Codec<T>
  readonly behaviour: Behaviour<T>
  readonly hasStatus: boolean
  /** Under which name its objects lie in the store; kinds of several versions share one. */
  readonly storedAs: string
  readonly conversion: Conversion | undefined
  /**
   * For a version that upstream removed: the stored kind, by whose rules its objects are written once they are converted. What was
   * checked otherwise in that version is in its behaviour.
   */
  readonly writtenAs?: Kind
  /** Of such a stored kind: the one that the caller named. */
  readonly askedAs?: Kind
  /** What requests for the kind are warned of, whatever their verb. */
  readonly deprecation?: string
  /** The labels that field selectors may use, as they are written. */
  readonly selectable: readonly string[]
  /** True when the kind has no list of its own, which changes the text of a refusal. */
  readonly selectableDefault: boolean
  /** The text that a field selector compares; undefined for a label that the kind does not have. */
  field(object: KubeObject, label: string): string | undefined
  /** True for a kind whose items keep apiVersion and kind within lists. */
  readonly custom: boolean
  /** Reads an object that was stored in another version of the resource; absent: only its name differs. */
  readonly fromOtherVersion?: ((object: KubeObject) => KubeObject) | undefined
  /** Takes the fields of features that are off from what is written; undefined for a kind that has none. */
  readonly dropDisabled?: DropDisabled | undefined
  /** The columns of a custom kind's table; built-in kinds have theirs in columns.ts. */
  readonly columns?: readonly Column[]
  /** The schema of a custom kind as OpenAPI shows it; built-in kinds have theirs from the facts. */
  readonly openApiSchema?: unknown
  /** Of a custom kind whose definition goes: nothing new comes in, though what is there can still be changed. */
  readonly terminating?: boolean
  /** Where a custom kind with a scale keeps it, as JSON paths. */
  readonly scale?: { readonly specReplicas: string; readonly statusReplicas: string; readonly labelSelector: string | undefined }
  /** Of a custom kind that is converted: the kind that its objects are stored as, which need not be served. */
  readonly storedKind?: Kind
  /** Of a custom kind that is stored: makes an object of what the store holds, perhaps from another time's version and schema. */
  readonly revive?: (stored: KubeObject) => KubeObject
  /** Where other versions are converted by a webhook: asks it before objects are revived. */
  readonly convertStored?: (stored: readonly KubeObject[]) => Promise<readonly KubeObject[]>
  /** How a custom kind's objects are merged by server-side apply; built-in kinds are typed by the facts. */
  readonly typed?: Typed
}

export interface CatalogueParts {
  readonly entries: readonly KindEntry[]
  readonly constantDefaults: (typeName: string) => ReadonlyMap<string, unknown> | undefined
  readonly formats: DecodeFormats
  readonly conversions?: Readonly<Record<string, { readonly storedAs: string; readonly conversion: Conversion }>>
  readonly gates?: Gates
  /** Which resources are served; absent: those that 1.33 serves by default. */
  readonly serves?: Serves
}

/** The built-in kinds that are served, from facts and behaviours, in the facts' order. */
export interface Catalogue {
  readonly kinds: readonly Kind[]
  schemaOf(typeName: string): ObjectSchema
  /** A kind that is served nowhere by itself: Scale, TokenRequest. */
  kindOf(facts: ResourceFacts): Kind
}

export const buildCatalogue = (parts: CatalogueParts): Catalogue => {
  const schemaOf = compileSchemas({ types: typeFacts, defaults: parts.constantDefaults })
  const behaviours = new Map(parts.entries.map((entry) => [versionKey(entry.resource), entry.behaviour]))
  const gates = parts.gates ?? defaultGates
  const served = servedResources(resourceFacts, parts.serves ?? servesDefaults, gates)
  const dropDisabledOf = compileDropDisabled(typeFacts, gates)
  const make = (facts: ResourceFacts): Kind =>
    kindOf(facts, {
      behaviour: underGates(behaviours.get(versionKey(facts)) ?? {}, gates),
      schemaOf,
      formats: parts.formats,
      converted: convertedOf(facts, served, parts) ?? siblingOf(facts, served),
      dropDisabled: dropDisabledOf(facts.type),
    })
  return { kinds: served.map(make), schemaOf, kindOf: make }
}

const versionKey = (resource: { group: string; version: string; plural: string }): string =>
  `${resource.group}/${resource.version}/${resource.plural}`

/** How a version is stored in another one, as long as that one is served. */
const convertedOf = (facts: ResourceFacts, served: readonly ResourceFacts[], { conversions }: CatalogueParts) => {
  const converted = conversions?.[versionKey(facts)]
  return served.some((each) => resourceKey(each) === converted?.storedAs && !conversions?.[versionKey(each)]) ? converted : undefined
}

interface KindParts {
  readonly behaviour: Behaviour
  readonly schemaOf: (name: string) => ObjectSchema
  readonly formats: DecodeFormats
  readonly converted: { readonly storedAs: string; readonly conversion: Conversion } | undefined
  readonly dropDisabled: DropDisabled | undefined
}

const kindOf = (facts: ResourceFacts, { behaviour, schemaOf, formats, converted, dropDisabled }: KindParts): Kind => {
  const selectable = selectableFields[facts.group === '' ? facts.plural : `${facts.group}/${facts.plural}`]
  return {
    group: facts.group,
    version: facts.version,
    apiVersion: facts.group === '' ? facts.version : `${facts.group}/${facts.version}`,
    kind: facts.kind,
    plural: facts.plural,
    namespaced: facts.namespaced === true,
    singular: facts.singular,
    shortNames: facts.shortNames ?? [],
    categories: facts.categories ?? [],
    listKind: facts.listKind,
    verbs: facts.verbs,
    subresources: facts.subresources ?? [],
    preferred: facts.preferred === true,
    storageVersionHash: facts.storageVersionHash ?? '',
    typeName: facts.type,
    codec: codecOf(() => schemaOf(facts.type), behaviour, formats),
    behaviour,
    hasStatus: facts.subresources?.some((part) => part.name === 'status') ?? false,
    storedAs: converted?.storedAs ?? resourceKey(facts),
    conversion: converted?.conversion,
    selectable: [...(selectable?.fields ?? ['metadata.name', 'metadata.namespace']), ...Object.keys(selectable?.aliases ?? {})],
    selectableDefault: selectable?.default !== false && (selectable === undefined || selectable.default === true),
    field: fieldGetter(facts, selectable),
    custom: false,
    dropDisabled,
    fromOtherVersion: fromOtherVersion(facts, resourceFacts),
  }
}

/** A codec over a schema of the facts, with the kind's own defaulting. */
const codecOf = (schema: () => ObjectSchema, behaviour: Behaviour, formats: DecodeFormats): Codec => ({
  decode: (input) => {
    const lacksSpec = (input.spec === undefined || input.spec === null) && holdsSpec(schema())
    const { object, hasUnknown } = decodeObject(schema(), lacksSpec ? { ...input, spec: {} } : input, formats)
    const whole = withSpec(schema(), object) as unknown as KubeObject
    return { object: behaviour.default ? behaviour.default(whole) : whole, hasUnknown }
  },
  unknown: (input) => unknownFields(schema(), input),
  encode: (object) => encodeObject(schema(), object as unknown as Readonly<Record<string, unknown>>),
  read: (stored) =>
    withSpec(schema(), withoutUnset(schema(), stored as unknown as Readonly<Record<string, unknown>>)) as unknown as KubeObject,
})

const holdsSpec = (schema: ObjectSchema): boolean => schema.byName.get('spec')?.unset !== undefined

/** A spec that Go holds by value is there even when nothing was sent, and so is metadata. */
const withSpec = (schema: ObjectSchema, object: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
  const lacksMeta = object.metadata === undefined
  const lacksSpec = object.spec === undefined && holdsSpec(schema)
  if (!lacksMeta && !lacksSpec) return object
  return { ...object, ...(lacksMeta ? { metadata: {} } : {}), ...(lacksSpec ? { spec: {} } : {}) }
}
