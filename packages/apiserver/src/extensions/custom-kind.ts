import { createHash } from 'node:crypto'
import {
  type Conversion,
  type CustomResourceDefinition,
  type CustomResourceDefinitionVersion,
  customColumns,
  type Kind,
  prune,
  type Structural,
  type SubresourceFacts,
  withSchemaDefaults,
} from '@skiff/api'
import { compileJsonPath, type Json, type KubeObject, type ObjectSchema, relaxJsonPath } from '@skiff/machinery'
import type { WebhookClient } from '../webhooks/client.ts'
import { customCodec } from './codec.ts'
import { noneConversion, type VersionShape, webhookConversion } from './conversion.ts'
import { customBehaviour } from './custom-behaviour.ts'
import { type ReviewConversion, reviewConversion } from './review-conversion.ts'
import { typedOfSchema } from './typed.ts'

const verbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch']
/** Of a definition that is going, as discovery has them. */
const lastVerbs = ['delete', 'deletecollection', 'get', 'list', 'watch']
const partVerbs = ['get', 'patch', 'update']

const isStorage = (version: CustomResourceDefinitionVersion): boolean => version.storage === true

/** What all versions of a definition share. */
interface Versions {
  readonly definition: CustomResourceDefinition
  readonly meta: ObjectSchema
  readonly shapes: ReadonlyMap<string, VersionShape>
  /** Where the definition's webhook converts. */
  readonly review: ReviewConversion | undefined
}

/** Every served version of an accepted definition as a kind, and behind their conversions the stored one even where it is not served. */
export const kindsOf = (definition: CustomResourceDefinition, meta: ObjectSchema, webhooks: WebhookClient): readonly Kind[] => {
  const { spec } = definition
  const all = spec.versions ?? []
  const shapes = new Map(all.map((version) => [`${spec.group}/${version.name}`, shapeOf(definition, version)]))
  const review = spec.conversion?.strategy === 'Webhook' ? reviewConversion(spec.conversion, webhooks) : undefined
  const versions = { definition, meta, shapes, review }
  const storage = all.find(isStorage)
  const stored = storage && { ...kindOf(versions, storage), ...readingOf(versions, storage) }
  return all
    .filter((version) => version.served)
    .map((version) =>
      version === storage || !stored
        ? (stored as Kind)
        : { ...kindOf(versions, version), storedKind: stored, conversion: conversionOf(versions, stored, version) },
    )
}

const shapeOf = ({ spec }: CustomResourceDefinition, version: CustomResourceDefinitionVersion): VersionShape => {
  const schema = (version.schema?.openAPIV3Schema ?? {}) as Structural
  const shaped = (change: (object: Json) => Json) => (object: KubeObject) => change(object as unknown as Json) as unknown as KubeObject
  return {
    apiVersion: `${spec.group}/${version.name}`,
    prune: spec.preserveUnknownFields ? (object) => object : shaped((object) => prune(schema, object, true)),
    complete: shaped((object) => withSchemaDefaults(schema, object)),
  }
}

const conversionOf = ({ shapes, review }: Versions, stored: Kind, { name }: CustomResourceDefinitionVersion): Conversion => {
  const own = shapes.get(`${stored.group}/${name}`) as VersionShape
  const storedShape = shapes.get(stored.apiVersion) as VersionShape
  return review ? webhookConversion(review, own, storedShape) : noneConversion(own, storedShape)
}

/** Objects are read by the schema of the version that they were stored in, with its defaults, whatever it said when they were written. */
const readingOf = (
  { definition, shapes, review }: Versions,
  version: CustomResourceDefinitionVersion,
): Pick<Kind, 'revive' | 'convertStored'> => {
  const apiVersion = `${definition.spec.group}/${version.name}`
  const own = shapes.get(apiVersion) as VersionShape
  const asItWas = (object: KubeObject): KubeObject => {
    const shape = shapes.get(object.apiVersion) ?? own
    return shape.complete(shape.prune(object))
  }
  return {
    revive: (object) => {
      const read = asItWas(object)
      return read.apiVersion === apiVersion ? read : own.prune({ ...read, apiVersion })
    },
    ...(review ? { convertStored: (objects) => review(objects.map(asItWas), apiVersion) } : {}),
  }
}

const kindOf = ({ definition, meta }: Versions, version: CustomResourceDefinitionVersion): Kind => {
  const { group = '', scope } = definition.spec
  const names = definition.status?.acceptedNames
  const schema = (version.schema?.openAPIV3Schema ?? {}) as Structural
  const kind = names?.kind ?? ''
  const apiVersion = `${group}/${version.name}`
  const hasStatus = version.subresources?.status !== undefined
  const scale = scaleOf(version)
  const selected = (version.selectableFields ?? []).map(({ jsonPath }) => jsonPath ?? '')
  return {
    group,
    version: version.name ?? '',
    apiVersion,
    kind,
    plural: names?.plural ?? '',
    namespaced: scope === 'Namespaced',
    singular: names?.singular ?? '',
    shortNames: names?.shortNames ?? [],
    categories: names?.categories ?? [],
    listKind: names?.listKind ?? `${kind}List`,
    verbs: definition.metadata.deletionTimestamp ? lastVerbs : verbs,
    subresources: subresourcesOf(version, kind),
    preferred: preferredOf(definition) === version.name,
    storageVersionHash: hashOf(`${group}/${storageVersionOf(definition)}/${kind}`),
    typeName: '',
    codec: customCodec(schema, meta, definition.spec.preserveUnknownFields === true),
    behaviour: customBehaviour(schema, hasStatus, scale),
    ...(version.deprecated ? { deprecation: deprecationOf(definition, version) } : {}),
    hasStatus,
    storedAs: definition.metadata.name,
    conversion: undefined,
    selectable: [
      'metadata.name',
      ...(scope === 'Namespaced' ? ['metadata.namespace'] : []),
      ...selected.map((path) => path.replace(/^\./, '')),
    ],
    selectableDefault: false,
    field: fieldOf(selected),
    custom: true,
    columns: customColumns(version.additionalPrinterColumns),
    openApiSchema: schema,
    typed: typedOfSchema(schema, true),
    ...(scale ? { scale } : {}),
    ...(definition.metadata.deletionTimestamp ? { terminating: true } : {}),
  }
}

const scaleOf = ({ subresources }: CustomResourceDefinitionVersion): Kind['scale'] => {
  if (!subresources?.scale) return undefined
  const { specReplicasPath = '', statusReplicasPath = '', labelSelectorPath } = subresources.scale
  return { specReplicas: specReplicasPath, statusReplicas: statusReplicasPath, labelSelector: labelSelectorPath || undefined }
}

/** What users of a deprecated version are told; by default, which version to go to. */
const deprecationOf = ({ spec }: CustomResourceDefinition, { name = '', deprecationWarning }: CustomResourceDefinitionVersion): string => {
  if (deprecationWarning !== undefined) return deprecationWarning
  const newer = (spec.versions ?? [])
    .filter((each) => each.served && !each.deprecated && compareVersions(each.name ?? '', name) < 0)
    .map((each) => each.name ?? '')
    .sort(compareVersions)[0]
  const text = `${spec.group}/${name} ${spec.names?.kind} is deprecated`
  return newer === undefined ? text : `${text}; use ${spec.group}/${newer} ${spec.names?.kind}`
}

/** The version that objects are stored in. */
export const storageVersionOf = ({ spec }: CustomResourceDefinition): string => spec.versions?.find(isStorage)?.name ?? ''

/** Clients compare what a kind is stored as. */
const hashOf = (text: string): string => createHash('sha256').update(text).digest().subarray(0, 8).toString('base64')

const subresourcesOf = ({ subresources }: CustomResourceDefinitionVersion, kind: string): readonly SubresourceFacts[] => [
  ...(subresources?.status ? [{ name: 'status', kind, verbs: partVerbs }] : []),
  ...(subresources?.scale ? [{ name: 'scale', kind: 'Scale', group: 'autoscaling', version: 'v1', verbs: partVerbs }] : []),
]

const versionForm = /^v(\d+)(?:(alpha|beta)(\d+))?$/
/** Upstream's order of versions: stable before beta before alpha, newer before older, then other names. */
export const compareVersions = (a: string, b: string): number => {
  const x = versionForm.exec(a)
  const y = versionForm.exec(b)
  if (!x || !y) return x ? -1 : y ? 1 : a < b ? -1 : 1
  const rank = (word: string | undefined) => (word === undefined ? 0 : word === 'beta' ? 1 : 2)
  return rank(x[2]) - rank(y[2]) || Number(y[1]) - Number(x[1]) || Number(y[3] ?? 0) - Number(x[3] ?? 0)
}

const preferredOf = ({ spec }: CustomResourceDefinition): string | undefined =>
  (spec.versions ?? [])
    .filter((version) => version.served)
    .map((version) => version.name ?? '')
    .sort(compareVersions)[0]

const fieldOf = (selected: readonly string[]) => {
  const paths = new Map(selected.map((path) => [path.replace(/^\./, ''), compileJsonPath(relaxJsonPath(path), { allowMissingKeys: true })]))
  return (object: KubeObject, label: string): string | undefined => {
    if (label === 'metadata.name') return object.metadata.name
    if (label === 'metadata.namespace') return object.metadata.namespace ?? ''
    const found = paths.get(label)?.find(object as unknown as Json)[0]?.[0]
    return paths.has(label) ? (found === undefined || found === null ? '' : String(found)) : undefined
  }
}
