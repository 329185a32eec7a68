import {
  forbiddenField,
  invalidValue,
  isDns1123Label,
  isDns1123Subdomain,
  nameIsDnsLabel,
  nameIsDnsSubdomain,
  notSupported,
  quantityValue,
  quoted,
  required,
  wasSentEmpty,
} from '@skiff/machinery'
import { differences } from '../checks/diff.ts'
import {
  addInvalid,
  checkImmutable,
  checkSupported,
  collect,
  type Faults,
  immutableText,
  invalidShown,
  keysOf,
  same,
} from '../checks/faults.ts'
import { goPointer, goQuantity } from '../checks/go-syntax.ts'
import { termWarnings } from '../checks/node-label-warnings.ts'
import { checkNodeSelector } from '../checks/node-selector.ts'
import { checkNoBacksteps } from '../checks/paths.ts'
import { checkPositiveAmount } from '../checks/requirements.ts'
import { inField, withField } from '../defaults/patch.ts'
import { roundResources } from '../defaults/quantities.ts'
import { persistentVolume as persistentVolumeResource } from '../generated/resources.ts'
import type { NodeSelectorRequirement, PersistentVolume, PersistentVolumeSpec, VolumeNodeAffinity } from '../generated/types.ts'
import { defineKind } from '../kind.ts'
import { checkAccessModes, checkVolumeMode } from './claim-spec.ts'
import { sharedSources } from './volume-sources.ts'

type Source = Exclude<
  keyof PersistentVolumeSpec,
  | 'capacity'
  | 'accessModes'
  | 'claimRef'
  | 'persistentVolumeReclaimPolicy'
  | 'storageClassName'
  | 'mountOptions'
  | 'volumeMode'
  | 'nodeAffinity'
  | 'volumeAttributesClassName'
>
type CheckSource<K extends Source> = (
  faults: Faults,
  source: NonNullable<PersistentVolumeSpec[K]>,
  path: string,
  volume: PersistentVolume,
) => void

function entry<K extends Source>(field: K, check: CheckSource<K>, path: string = field, secondPath: string = field) {
  return { field, path, secondPath, check: check as CheckSource<never> }
}

interface Reference {
  readonly name?: string
  readonly namespace?: string
}
const checkReference = (faults: Faults, ref: Reference | undefined, path: string): void => {
  if (ref === undefined) return
  if (!ref.name) faults.push(required(`${path}.name`))
  else addInvalid(faults, isDns1123Subdomain(ref.name), ref.name, `${path}.name`)
  if (!ref.namespace) faults.push(required(`${path}.namespace`))
  else addInvalid(faults, isDns1123Label(ref.namespace), ref.namespace, `${path}.namespace`)
}
const needsNamespace = (faults: Faults, ref: Reference | undefined, path: string): void => {
  if (ref !== undefined && !ref.namespace) faults.push(required(`${path}.secretRef.namespace`))
}

/** The order is upstream's. */
const sources = [
  entry('hostPath', sharedSources.hostPath),
  entry('gcePersistentDisk', sharedSources.gcePersistentDisk, 'persistentDisk'),
  entry('awsElasticBlockStore', sharedSources.awsElasticBlockStore),
  entry('glusterfs', (faults, source, path) => {
    sharedSources.glusterfs(faults, source, path)
    const namespace = source.endpointsNamespace
    const at = `${path}.endpointsNamespace`
    if (namespace === '') faults.push(invalidValue(at, '', 'if the endpointnamespace is set, it must be a valid namespace name'))
    else if (namespace !== undefined) addInvalid(faults, nameIsDnsLabel(namespace, false), namespace, at)
  }),
  entry('flocker', sharedSources.flocker),
  entry('nfs', sharedSources.nfs),
  entry('rbd', sharedSources.rbd),
  entry('quobyte', sharedSources.quobyte),
  entry('cephfs', sharedSources.cephfs, 'cephfs', 'cephFS'),
  entry('iscsi', (faults, source, path, volume) => {
    sharedSources.iscsi(faults, source, path, 'must be valid format')
    if (source.secretRef && !source.secretRef.name) faults.push(required(`${path}.secretRef.name`))
    if (source.initiatorName !== undefined && `${volume.metadata.name}:${source.targetPortal ?? ''}`.length > 64)
      faults.push(invalidValue(`${path}.targetportal`, source.targetPortal ?? '', sharedSources.longPortalText))
  }),
  entry('cinder', (faults, source, path) => {
    sharedSources.cinder(faults, source, path)
    needsNamespace(faults, source.secretRef, path)
  }),
  entry('fc', sharedSources.fc),
  entry('flexVolume', sharedSources.flexVolume),
  entry('azureFile', (faults, source, path) => {
    sharedSources.azureFile(faults, source, path)
    if (source.secretNamespace === '') faults.push(required(`${path}.secretNamespace`))
  }),
  entry('vsphereVolume', sharedSources.vsphereVolume),
  entry('photonPersistentDisk', sharedSources.photonPersistentDisk),
  entry('portworxVolume', sharedSources.portworxVolume),
  entry('azureDisk', sharedSources.azureDisk),
  entry('scaleIO', sharedSources.scaleIO),
  entry('local', (faults, source, path, { spec }) => {
    if (source.path) checkNoBacksteps(faults, source.path, `${path}.path`)
    else faults.push(required(`${path}.path`))
    if (spec.nodeAffinity === undefined) faults.push(required('spec.nodeAffinity', 'Local volume requires node affinity'))
  }),
  entry('storageos', (faults, source, path) => {
    sharedSources.storageos(faults, source as never, path)
    needsNamespace(faults, source.secretRef, path)
  }),
  entry('csi', (faults, source, path) => {
    sharedSources.driverName(faults, source.driver ?? '', `${path}.driver`)
    if (!source.volumeHandle) faults.push(required(`${path}.volumeHandle`))
    checkReference(faults, source.controllerPublishSecretRef, `${path}.controllerPublishSecretRef`)
    checkReference(faults, source.controllerExpandSecretRef, `${path}.controllerExpandSecretRef`)
    checkReference(faults, source.nodePublishSecretRef, `${path}.nodePublishSecretRef`)
    checkReference(faults, source.nodeExpandSecretRef, `${path}.nodeExpandSecretRef`)
  }),
]

const checkSpec = (faults: Faults, volume: PersistentVolume): void => {
  const { spec } = volume
  const modes = spec.accessModes ?? []
  if (modes.length === 0) faults.push(required('spec.accessModes'))
  checkAccessModes(faults, modes, 'spec.accessModes')
  checkCapacity(faults, spec)
  checkSupported(faults, spec.persistentVolumeReclaimPolicy, ['Delete', 'Recycle', 'Retain'], 'spec.persistentVolumeReclaimPolicy')
  if (spec.nodeAffinity?.required) checkNodeSelector(faults, spec.nodeAffinity.required, 'spec.nodeAffinity.required')
  else if (spec.nodeAffinity) faults.push(required('spec.nodeAffinity.required', 'must specify required node constraints'))
  checkSource(faults, volume)
  const isRoot = spec.hostPath?.path !== undefined && /^\/+(\.?\/+)*\.?$/.test(spec.hostPath.path)
  if (isRoot && spec.persistentVolumeReclaimPolicy === 'Recycle')
    faults.push(forbiddenField('spec.persistentVolumeReclaimPolicy', "may not be 'recycle' for a hostPath mount of '/'"))
  if (spec.storageClassName)
    addInvalid(faults, nameIsDnsSubdomain(spec.storageClassName, false), spec.storageClassName, 'spec.storageClassName')
  checkVolumeMode(faults, spec.volumeMode, 'spec.volumeMode')
}

const checkCapacity = (faults: Faults, spec: PersistentVolumeSpec): void => {
  const capacity = spec.capacity ?? {}
  const names = keysOf(capacity)
  if (names.length === 0) faults.push(required('spec.capacity'))
  if (names.length !== 1 || names[0] !== 'storage') {
    const amounts = names.map((name) => `${quoted(name)}:${goQuantity(capacity, name)}`).join(', ')
    const shown = names.length > 0 || wasSentEmpty(spec, 'capacity') ? `{${amounts}}` : '(nil)'
    faults.push({
      ...notSupported('spec.capacity', '', []),
      body: `Unsupported value: core.ResourceList${shown}: supported values: "storage"`,
    })
  }
  for (const name of names) {
    const amount = capacity[name] as string
    const path = `spec.capacity[${name}]`
    if (quantityValue(amount) < 0) faults.push(invalidValue(path, quantityValue(amount), 'must be a valid resource quantity'))
    checkPositiveAmount(faults, amount, path)
  }
}

const checkSource = (faults: Faults, volume: PersistentVolume): void => {
  let found = false
  for (const { field, path, secondPath, check } of sources) {
    const source = volume.spec[field]
    if (source === undefined) continue
    if (found && field !== 'flexVolume') faults.push(forbiddenField(`spec.${secondPath}`, 'may not specify more than 1 volume type'))
    else check(faults, source as never, `spec.${path}`, volume)
    found = true
  }
  if (!found) faults.push(required('spec', 'must specify a volume type'))
}

const sourceOf = (spec: PersistentVolumeSpec): Partial<Record<Source, unknown>> =>
  Object.fromEntries(sources.filter(({ field }) => spec[field] !== undefined).map(({ field }) => [field, spec[field]]))

const newNames: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'beta.kubernetes.io/os': 'kubernetes.io/os',
  'beta.kubernetes.io/arch': 'kubernetes.io/arch',
  'beta.kubernetes.io/instance-type': 'node.kubernetes.io/instance-type',
}
/** Labels of the beta may be renamed to those of today, and nothing else. */
const renamedWhereNew = (old: VolumeNodeAffinity, next: VolumeNodeAffinity | undefined): VolumeNodeAffinity => {
  const terms = old.required?.nodeSelectorTerms?.map((term, index) => {
    const now = next?.required?.nodeSelectorTerms?.[index]?.matchExpressions
    const rename = (each: NodeSelectorRequirement, at: number): NodeSelectorRequirement =>
      now?.[at]?.key === newNames[each.key] ? { ...each, key: newNames[each.key] as string } : each
    return term.matchExpressions ? { ...term, matchExpressions: term.matchExpressions.map(rename) } : term
  })
  return terms ? { ...old, required: { ...old.required, nodeSelectorTerms: terms } } : old
}

const checkUpdate = (faults: Faults, next: PersistentVolume, old: PersistentVolume): void => {
  checkSpec(faults, next)
  const before = sourceOf(old.spec)
  const secretCame = old.spec.csi && !old.spec.csi.controllerExpandSecretRef && next.spec.csi?.controllerExpandSecretRef
  const { controllerExpandSecretRef: _, ...csi } = next.spec.csi ?? { driver: '', volumeHandle: '' }
  const after = secretCame ? { ...sourceOf(next.spec), csi } : sourceOf(next.spec)
  if (!same(after, before))
    faults.push(
      forbiddenField(
        'spec.persistentvolumesource',
        `spec.persistentvolumesource is immutable after creation\n${differences(before, after)}`,
      ),
    )
  checkImmutable(faults, next.spec.volumeMode, old.spec.volumeMode, 'volumeMode')
  const affinity = old.spec.nodeAffinity
  if (affinity !== undefined && !same(next.spec.nodeAffinity, renamedWhereNew(affinity, next.spec.nodeAffinity)))
    faults.push(
      invalidShown('nodeAffinity', goAffinity(next.spec.nodeAffinity), `${immutableText}, except for updating from beta label to GA`),
    )
}

const classAnnotation = 'volume.beta.kubernetes.io/storage-class'
const goneSources = {
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
} as const
/** Upstream spells one of them otherwise than the field. */
const shownSource = (name: string): string => (name === 'storageos' ? 'storageOS' : name)

const warningsOf = ({ metadata, spec }: PersistentVolume): readonly string[] => [
  ...(metadata.annotations?.[classAnnotation] !== undefined
    ? [`metadata.annotations[${classAnnotation}]: deprecated since v1.8; use "storageClassName" attribute instead`]
    : []),
  ...(spec.persistentVolumeReclaimPolicy === 'Recycle'
    ? [
        'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
      ]
    : []),
  ...(spec.nodeAffinity?.required?.nodeSelectorTerms ?? []).flatMap((term, index) =>
    termWarnings(term, `spec.nodeAffinity.required.nodeSelectorTerms[${index}]`),
  ),
  ...Object.entries(goneSources).flatMap(([name, text]) =>
    spec[name as keyof typeof goneSources] === undefined ? [] : [`spec.${shownSource(name)}: ${text}`],
  ),
]

const goAffinity = (affinity: VolumeNodeAffinity | undefined): string =>
  affinity ? `core.VolumeNodeAffinity{Required:${goPointer('core.NodeSelector', affinity.required)}}` : '"null"'

export const persistentVolume = defineKind<PersistentVolume>(persistentVolumeResource, {
  generation: false,
  default: (object) => {
    let spec = inField(object.spec, 'capacity', roundResources)
    if (spec.persistentVolumeReclaimPolicy === undefined) spec = { ...spec, persistentVolumeReclaimPolicy: 'Retain' }
    if (spec.volumeMode === undefined) spec = { ...spec, volumeMode: 'Filesystem' }
    const next = withField(object, 'spec', spec)
    return next.status?.phase ? next : { ...next, status: { ...next.status, phase: 'Pending' } }
  },
  prepareForCreate: (next, { now }) => {
    const { volumeAttributesClassName: _, ...spec } = next.spec
    return { ...next, spec, status: { phase: 'Pending', lastPhaseTransitionTime: now } }
  },
  createChecksOnUpdate: 1,
  validate: (next) => collect((faults) => checkSpec(faults, next)),
  warnings: warningsOf,
  validateUpdate: (next, old) => collect((faults) => checkUpdate(faults, next, old)),
  subresources: {
    status: {
      prepareForUpdate: (next, old, { now }) => {
        const moved = next.status?.phase !== old.status?.phase
        const given = next.status?.lastPhaseTransitionTime
        const stamp = moved && (given === undefined || given === old.status?.lastPhaseTransitionTime)
        return { ...next, spec: old.spec, ...(stamp ? { status: { ...next.status, lastPhaseTransitionTime: now } } : {}) }
      },
    },
  },
})
