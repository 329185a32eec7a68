import type { Volume } from '@skiff/api'
import { seccompProfile } from './baseline.ts'
import { type Check, containersOf, counted, isWindows, type PodCheck, quotedList, settersText, sorted } from './check.ts'

const allowPrivilegeEscalation: PodCheck = (pod) => {
  const names = containersOf(pod)
    .filter(({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false)
    .map(({ name }) => name)
  if (names.length === 0) return undefined
  return {
    reason: 'allowPrivilegeEscalation != false',
    detail: `${counted('container', names)} must set securityContext.allowPrivilegeEscalation=false`,
  }
}

const capabilities: PodCheck = (pod) => {
  const containers = containersOf(pod)
  const missing = containers.filter(({ securityContext }) => !securityContext?.capabilities?.drop?.includes('ALL')).map(({ name }) => name)
  const added = (each: (typeof containers)[number]) =>
    (each.securityContext?.capabilities?.add ?? []).filter((name) => name !== 'NET_BIND_SERVICE')
  const adding = containers.filter((each) => added(each).length > 0)
  if (missing.length === 0 && adding.length === 0) return undefined
  const names = adding.map(({ name }) => name)
  const details = [
    ...(missing.length > 0 ? [`${counted('container', missing)} must set securityContext.capabilities.drop=["ALL"]`] : []),
    ...(adding.length > 0
      ? [`${counted('container', names)} must not include ${quotedList(sorted(adding.flatMap(added)))} in securityContext.capabilities.add`]
      : []),
  ]
  return { reason: 'unrestricted capabilities', detail: details.join('; ') }
}

const allowedVolumes = ['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'persistentVolumeClaim', 'projected', 'secret'] as const
const restrictedVolumes = [
  'hostPath',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'gitRepo',
  'nfs',
  'iscsi',
  'glusterfs',
  'rbd',
  'flexVolume',
  'cinder',
  'cephfs',
  'flocker',
  'fc',
  'azureFile',
  'vsphereVolume',
  'quobyte',
  'azureDisk',
  'photonPersistentDisk',
  'portworxVolume',
  'scaleIO',
  'storageos',
] as const
const volumeType = (volume: Volume): string => restrictedVolumes.find((type) => volume[type] !== undefined) ?? 'unknown'

const volumeTypes: PodCheck = ({ spec }) => {
  const bad = (spec.volumes ?? []).filter((volume) => allowedVolumes.every((type) => volume[type] === undefined))
  if (bad.length === 0) return undefined
  const types = sorted(bad.map(volumeType))
  const names = bad.map(({ name }) => name)
  const uses = names.length === 1 ? 'uses' : 'use'
  return { reason: 'restricted volume types', detail: `${counted('volume', names)} ${uses} ${counted('restricted volume type', types)}` }
}

const runAsNonRoot: PodCheck = (pod) => {
  const ofPod = pod.spec.securityContext?.runAsNonRoot
  const containers = containersOf(pod)
  const denying = containers.filter(({ securityContext }) => securityContext?.runAsNonRoot === false).map(({ name }) => name)
  const reason = 'runAsNonRoot != true'
  if (ofPod === false || denying.length > 0)
    return { reason, detail: `${settersText(ofPod === false, denying)} must not set securityContext.runAsNonRoot=false` }
  const silent = containers.filter(({ securityContext }) => securityContext?.runAsNonRoot === undefined).map(({ name }) => name)
  if (ofPod === true || silent.length === 0) return undefined
  return { reason, detail: `pod or ${counted('container', silent)} must set securityContext.runAsNonRoot=true` }
}

const runAsUser: PodCheck = (pod) => {
  const ofPod = pod.spec.securityContext?.runAsUser === 0
  const names = containersOf(pod)
    .filter(({ securityContext }) => securityContext?.runAsUser === 0)
    .map(({ name }) => name)
  if (!ofPod && names.length === 0) return undefined
  return { reason: 'runAsUser=0', detail: `${settersText(ofPod, names)} must not set runAsUser=0` }
}

const seccompRequired: PodCheck = (pod) => {
  const wrong = seccompProfile(pod)
  if (wrong) return wrong
  if (pod.spec.securityContext?.seccompProfile) return undefined
  const silent = containersOf(pod)
    .filter(({ securityContext }) => !securityContext?.seccompProfile)
    .map(({ name }) => name)
  if (silent.length === 0) return undefined
  return {
    reason: 'seccompProfile',
    detail: `pod or ${counted('container', silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
  }
}

/** Pods of Windows cannot have what some checks ask for. */
const unlessWindows =
  (check: PodCheck): PodCheck =>
  (pod) =>
    isWindows(pod) ? undefined : check(pod)

/** What the restricted level asks for beyond the baseline, in upstream's order. */
export const restrictedChecks: readonly Check[] = [
  {
    id: 'allowPrivilegeEscalation',
    versions: [
      [8, allowPrivilegeEscalation],
      [25, unlessWindows(allowPrivilegeEscalation)],
    ],
  },
  {
    id: 'capabilities_restricted',
    overrides: ['capabilities_baseline'],
    versions: [
      [22, capabilities],
      [25, unlessWindows(capabilities)],
    ],
  },
  { id: 'restrictedVolumes', overrides: ['hostPathVolumes'], versions: [[0, volumeTypes]] },
  { id: 'runAsNonRoot', versions: [[0, runAsNonRoot]] },
  { id: 'runAsUser', versions: [[23, runAsUser]] },
  {
    id: 'seccompProfile_restricted',
    overrides: ['seccompProfile_baseline'],
    versions: [
      [19, seccompRequired],
      [25, unlessWindows(seccompRequired)],
    ],
  },
]
