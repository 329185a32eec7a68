import type { Container, EphemeralContainer, Pod, ServiceAccount, Volume } from '@skiff/api'

const volumeSecrets = (volume: Volume): readonly (string | undefined)[] => [
  volume.secret?.secretName,
  volume.azureFile?.secretName,
  volume.cephfs?.secretRef?.name,
  volume.cinder?.secretRef?.name,
  volume.flexVolume?.secretRef?.name,
  volume.rbd?.secretRef?.name,
  volume.scaleIO?.secretRef?.name,
  volume.iscsi?.secretRef?.name,
  volume.storageos?.secretRef?.name,
  volume.csi?.nodePublishSecretRef?.name,
  ...(volume.projected?.sources ?? []).map(({ secret }) => secret?.name),
]

type Environment = Pick<Container, 'name' | 'env' | 'envFrom'>
const environmentSecrets = ({ env, envFrom }: Environment): readonly (string | undefined)[] => [
  ...(envFrom ?? []).map(({ secretRef }) => secretRef?.name),
  ...(env ?? []).map(({ valueFrom }) => valueFrom?.secretKeyRef?.name),
]

/** True for a pod that names a secret anywhere, as upstream's VisitPodSecretNames finds them. */
export const namesSecrets = ({ spec }: Pod): boolean => {
  const containers: readonly Environment[] = [
    ...(spec.initContainers ?? []),
    ...(spec.containers ?? []),
    ...(spec.ephemeralContainers ?? []),
  ]
  return [
    ...(spec.imagePullSecrets ?? []).map(({ name }) => name),
    ...containers.flatMap(environmentSecrets),
    ...(spec.volumes ?? []).flatMap(volumeSecrets),
  ].some((name) => name !== undefined)
}

const mountableAnnotation = 'kubernetes.io/enforce-mountable-secrets'
const trueWords = new Set(['1', 't', 'T', 'TRUE', 'true', 'True'])

/** Whether the account's pods may only name the secrets that it names. */
export const limitsSecrets = ({ metadata }: ServiceAccount): boolean => trueWords.has(metadata.annotations?.[mountableAnnotation] ?? '')

const environmentFault = (what: string, { name, env, envFrom }: Environment, allowed: ReadonlySet<string>, account: string) => {
  const notAllowed = `is not allowed because service account ${account} does not reference that secret`
  for (const variable of env ?? []) {
    const secret = variable.valueFrom?.secretKeyRef?.name
    if (secret !== undefined && !allowed.has(secret))
      return `${what} ${name} with envVar ${variable.name} referencing secret.secretName="${secret}" ${notAllowed}`
  }
  for (const { secretRef } of envFrom ?? []) {
    const secret = secretRef?.name
    if (secret !== undefined && !allowed.has(secret))
      return `${what} ${name} with envFrom referencing secret.secretName="${secret}" ${notAllowed}`
  }
  return undefined
}

const secretsOf = ({ secrets }: ServiceAccount): ReadonlySet<string> => new Set((secrets ?? []).map(({ name }) => name ?? ''))

/** The first secret that a new pod names and its account does not, in upstream's words. */
export const forbiddenSecret = ({ spec }: Pod, account: ServiceAccount): string | undefined => {
  const { name } = account.metadata
  const allowed = secretsOf(account)
  for (const { secret } of spec.volumes ?? [])
    if (secret && !allowed.has(secret.secretName ?? ''))
      return `volume with secret.secretName="${secret.secretName ?? ''}" is not allowed because service account ${name} does not reference that secret`
  for (const container of spec.initContainers ?? []) {
    const fault = environmentFault('init container', container, allowed, name)
    if (fault) return fault
  }
  for (const container of spec.containers ?? []) {
    const fault = environmentFault('container', container, allowed, name)
    if (fault) return fault
  }
  const pulls = new Set((account.imagePullSecrets ?? []).map((each) => each.name))
  const at = (spec.imagePullSecrets ?? []).findIndex((each) => !pulls.has(each.name))
  return at < 0
    ? undefined
    : `imagePullSecrets[${at}].name="${spec.imagePullSecrets?.[at]?.name ?? ''}" is not allowed because service account ${name} does not reference that imagePullSecret`
}

/** The same for containers that come to a pod later. */
export const forbiddenEphemeralSecret = (containers: readonly EphemeralContainer[], account: ServiceAccount): string | undefined => {
  const allowed = secretsOf(account)
  for (const container of containers) {
    const fault = environmentFault('ephemeral container', container, allowed, account.metadata.name)
    if (fault) return fault
  }
  return undefined
}
