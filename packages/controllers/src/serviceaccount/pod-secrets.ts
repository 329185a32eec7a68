import type { Pod } from '@skiff/api'

interface Named {
  readonly name?: string
}
/** What volume sources call their secrets by. */
interface Source {
  readonly secretName?: string
  readonly secretRef?: Named
  readonly nodePublishSecretRef?: Named
  readonly sources?: readonly { readonly secret?: Named }[]
}

/** Names of the secrets that the pod asks for: to pull images, as variables, and in volumes of any kind. */
export const secretsOfPod = ({ spec }: Pod): Set<string> => {
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? []), ...(spec.ephemeralContainers ?? [])]
  const sources = (spec.volumes ?? []).flatMap((volume) => Object.values(volume).filter((part) => typeof part === 'object') as Source[])
  const names = [
    ...(spec.imagePullSecrets ?? []).map(({ name }) => name),
    ...containers.flatMap(({ env = [], envFrom = [] }) => [
      ...env.map(({ valueFrom }) => valueFrom?.secretKeyRef?.name),
      ...envFrom.map(({ secretRef }) => secretRef?.name),
    ]),
    ...sources.flatMap(({ secretName, secretRef, nodePublishSecretRef, sources: projected = [] }) => [
      secretName,
      secretRef?.name,
      nodePublishSecretRef?.name,
      ...projected.map(({ secret }) => secret?.name),
    ]),
  ]
  return new Set(names.filter((name) => name !== undefined))
}
