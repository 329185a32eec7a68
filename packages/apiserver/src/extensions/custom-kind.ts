import {
  type Conversion,
  type CustomResourceDefinition,
  type CustomResourceDefinitionVersion,
  customColumns,
  type Kind,
  type Structural,
  type SubresourceFacts,
} from '@skiff/api'
import { compileJsonPath, type Json, type KubeObject, type ObjectSchema, relaxJsonPath } from '@skiff/machinery'
import { customCodec } from './codec.ts'
import { customBehaviour } from './custom-behaviour.ts'
import { typedOfSchema } from './typed.ts'

const verbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch']
/** Of a definition that is going: nothing new comes in. */
const lastVerbs = verbs.filter((verb) => verb !== 'create')
const partVerbs = ['get', 'patch', 'update']

const isStorage = (version: CustomResourceDefinitionVersion): boolean => version.storage === true

/** Every served version of an accepted definition as a kind, and the stored one even where it is not served. */
export const kindsOf = (definition: CustomResourceDefinition, meta: ObjectSchema): readonly Kind[] =>
  (definition.spec.versions ?? []).filter((version) => version.served).map((version) => kindOf(definition, version, meta))

const kindOf = (definition: CustomResourceDefinition, version: CustomResourceDefinitionVersion, meta: ObjectSchema): Kind => {
  const { group = '', scope } = definition.spec
  const names = definition.status?.acceptedNames
  const schema = (version.schema?.openAPIV3Schema ?? {}) as Structural
  const preserves = definition.spec.preserveUnknownFields === true || schema['x-kubernetes-preserve-unknown-fields'] === true
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
    storageVersionHash: '',
    typeName: '',
    codec: customCodec(schema, meta, preserves),
    behaviour: customBehaviour(schema, hasStatus, scale),
    ...(version.deprecated ? { deprecation: deprecationOf(definition, version) } : {}),
    hasStatus,
    storedAs: definition.metadata.name,
    conversion: isStorage(version) ? undefined : conversionOf(group, storageVersionOf(definition), apiVersion),
    selectable: ['metadata.name', 'metadata.namespace', ...selected.map((path) => path.replace(/^\./, ''))],
    selectableDefault: selected.length === 0,
    field: fieldOf(selected),
    custom: true,
    columns: customColumns(version.additionalPrinterColumns),
    openApiSchema: schema,
    typed: typedOfSchema(schema, true),
    ...(scale ? { scale } : {}),
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

/** Versions differ in name alone: the server's own conversion strategy. */
const conversionOf = (group: string, stored: string, apiVersion: string): Conversion => ({
  toStored: (object) => ({ ...object, apiVersion: `${group}/${stored}` }),
  fromStored: (object) => ({ ...object, apiVersion }),
})

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
