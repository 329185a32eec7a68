import type { Container, Pod, ServiceAccount, VolumeMount } from '@skiff/api'
import { forbidden } from '@skiff/machinery'
import { find } from '../registry/tree.ts'
import { generateName } from '../rest/create.ts'
import type { AdmissionPlugin, AdmissionRequest } from './admission.ts'
import { lookup } from './lookup.ts'
import { createdPod } from './pod-request.ts'
import { forbiddenEphemeralSecret, forbiddenSecret, limitsSecrets, namesSecrets } from './secret-references.ts'
import type { AdmissionSources } from './sources.ts'

const tokenMountPath = '/var/run/secrets/kubernetes.io/serviceaccount'
const volumePrefix = 'kube-api-access-'
/** One hour and seven seconds: the odd number by which upstream knows a token that it extends. */
const expirationSeconds = 3607
const mirrorAnnotation = 'kubernetes.io/config.mirror'

/** Gives a pod its service account, that account's pull secrets, and a projected token where it wants one. */
export const serviceAccount = (sources: AdmissionSources): AdmissionPlugin => {
  const accounts = lookup<ServiceAccount>(sources, '', 'v1', 'serviceaccounts')
  return {
    name: 'ServiceAccount',
    mutate: async (request) => {
      const pod = createdPod(request)
      if (!pod) return request.object
      if (isMirror(pod)) return checkedMirror(request, pod)
      const name = pod.spec.serviceAccountName || 'default'
      const account = await accounts.get(`${request.namespace}/${name}`)
      if (!account)
        throw refused(
          request,
          `error looking up service account ${request.namespace}/${name}: serviceaccount ${JSON.stringify(name)} not found`,
        )
      const next = shaped(pod, name, account)
      refuseSecrets(request, next, account)
      return next
    },
    validate: (request) => {
      const created = createdPod(request)
      if (created) {
        if (isMirror(created)) checkedMirror(request, created)
        const account = accounts.now && find(accounts.now.tree, `${request.namespace}/${created.spec.serviceAccountName}`)?.object
        if (account) refuseSecrets(request, created, account as ServiceAccount)
        return undefined
      }
      const { kind, subresource, object } = request
      if (kind.group !== '' || kind.plural !== 'pods' || subresource !== 'ephemeralcontainers' || !object) return undefined
      const { spec } = object as Pod
      return accounts.get(`${request.namespace}/${spec.serviceAccountName}`).then((account) => {
        const fault = account && limitsSecrets(account) ? forbiddenEphemeralSecret(spec.ephemeralContainers ?? [], account) : undefined
        if (fault) throw refused(request, fault)
        return undefined
      })
    },
  }
}

const refused = ({ name }: AdmissionRequest, why: string) => forbidden({ group: '', resource: 'pods' }, name, why)

const isMirror = ({ metadata }: Pod): boolean => metadata.annotations?.[mirrorAnnotation] !== undefined

/** What a node shows of its own pods stays as it is, and may reach nothing that an account could. */
const checkedMirror = (request: AdmissionRequest, pod: Pod): Pod => {
  if (pod.spec.serviceAccountName) throw refused(request, 'a mirror pod may not reference service accounts')
  if (namesSecrets(pod)) throw refused(request, 'a mirror pod may not reference secrets')
  const sources = (pod.spec.volumes ?? []).flatMap(({ projected }) => projected?.sources ?? [])
  if (sources.some(({ serviceAccountToken }) => serviceAccountToken))
    throw refused(request, 'a mirror pod may not use ServiceAccountToken volume projections')
  return pod
}

const refuseSecrets = (request: AdmissionRequest, pod: Pod, account: ServiceAccount): void => {
  const fault = limitsSecrets(account) ? forbiddenSecret(pod, account) : undefined
  if (fault) throw refused(request, fault)
}

const shaped = (pod: Pod, name: string, account: ServiceAccount): Pod => {
  const spec = {
    ...pod.spec,
    serviceAccountName: name,
    serviceAccount: name,
    ...(pod.spec.imagePullSecrets?.length || !account.imagePullSecrets?.length ? {} : { imagePullSecrets: account.imagePullSecrets }),
  }
  const wanted = pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true
  return { ...pod, spec: wanted ? withToken(spec) : spec }
}

const mounted = (container: Container): boolean => container.volumeMounts?.some((mount) => mount.mountPath === tokenMountPath) ?? false

const withToken = (spec: Pod['spec']): Pod['spec'] => {
  const all = [...(spec.initContainers ?? []), ...(spec.containers ?? [])]
  if (all.every(mounted)) return spec
  const existing = spec.volumes?.find((volume) => volume.name.startsWith(volumePrefix))?.name
  const volume = existing ?? generateName(volumePrefix)
  const mount: VolumeMount = { name: volume, mountPath: tokenMountPath, readOnly: true }
  const add = (container: Container): Container =>
    mounted(container) ? container : { ...container, volumeMounts: [...(container.volumeMounts ?? []), mount] }
  return {
    ...spec,
    ...(spec.initContainers ? { initContainers: spec.initContainers.map(add) } : {}),
    containers: (spec.containers ?? []).map(add),
    volumes: existing ? (spec.volumes ?? []) : [...(spec.volumes ?? []), tokenVolume(volume)],
  }
}

const tokenVolume = (name: string) => ({
  name,
  projected: {
    defaultMode: 420,
    sources: [
      { serviceAccountToken: { expirationSeconds, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
    ],
  },
})
