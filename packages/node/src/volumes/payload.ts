import type { ConfigMap, DownwardAPIVolumeFile, KeyToPath, Pod, Secret, Volume, VolumeProjection } from '@skiff/api'
import { isRefusal } from '@skiff/machinery'
import type { Referents } from '../config/env-vars.ts'
import { type FieldContext, fieldValue, resourceValue } from '../config/field-ref.ts'

export interface PayloadFile {
  readonly data: Buffer
  readonly mode: number
  /** Whose file it is; absent: root's. */
  readonly uid?: number
}
/** By path within the volume. */
export type Payload = ReadonlyMap<string, PayloadFile>

export interface TokenAsk {
  readonly audience?: string
  readonly expirationSeconds: number
}

export interface PayloadSources {
  readonly referents: Referents
  readonly fields: FieldContext
  /** A service account token bound to the pod. */
  readonly token: (pod: Pod, ask: TokenAsk) => Promise<string>
}

const defaultMode = 0o644

/** The contents of a configMap, secret, downwardAPI or projected volume. Throws an Error with upstream's text. */
export const payloadOf = async (pod: Pod, volume: Volume, sources: PayloadSources): Promise<Payload> => {
  const namespace = pod.metadata.namespace ?? ''
  const { configMap, secret, downwardAPI, projected } = volume
  if (configMap) {
    return keyed(await configData(sources, namespace, configMap.name ?? '', configMap.optional), configMap, 'config')
  }
  if (secret) return keyed(await secretData(sources, namespace, secret.secretName ?? '', secret.optional), secret, 'secret')
  if (downwardAPI) return downward(downwardAPI.items ?? [], downwardAPI.defaultMode, sources.fields)
  const files = new Map<string, PayloadFile>()
  for (const source of projected?.sources ?? []) {
    for (const [path, file] of await projection(pod, source, projected?.defaultMode, sources)) files.set(path, file)
  }
  return files
}

const projection = async (pod: Pod, source: VolumeProjection, mode: number | undefined, sources: PayloadSources): Promise<Payload> => {
  const namespace = pod.metadata.namespace ?? ''
  const { configMap, secret, downwardAPI, serviceAccountToken: token } = source
  const withMode = mode === undefined ? {} : { defaultMode: mode }
  if (configMap) {
    const data = await configData(sources, namespace, configMap.name ?? '', configMap.optional)
    return keyed(data, { ...configMap, ...withMode }, 'config')
  }
  if (secret) {
    const data = await secretData(sources, namespace, secret.name ?? '', secret.optional)
    return keyed(data, { ...secret, ...withMode }, 'secret')
  }
  if (downwardAPI) return downward(downwardAPI.items ?? [], mode, sources.fields)
  if (!token) throw new Error('unsupported projection')
  const ask = { expirationSeconds: token.expirationSeconds ?? 3600, ...(token.audience ? { audience: token.audience } : {}) }
  return new Map([[token.path, { data: Buffer.from(await sources.token(pod, ask)), ...tokenAccess(pod, mode ?? defaultMode) }]])
}

/** A token is its user's alone where the pod has one user; a group of the file system gets its right with the volume. */
const tokenAccess = (pod: Pod, mode: number): { readonly mode: number; readonly uid?: number } => {
  if (pod.spec.securityContext?.fsGroup !== undefined) return { mode: 0o600 }
  const users = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map(
    ({ securityContext }) => securityContext?.runAsUser ?? pod.spec.securityContext?.runAsUser,
  )
  const [uid] = users
  return uid !== undefined && users.every((one) => one === uid) ? { mode: 0o600, uid } : { mode }
}

type Data = ReadonlyMap<string, Buffer>

const configData = async (
  { referents }: PayloadSources,
  namespace: string,
  name: string,
  optional?: boolean,
): Promise<Data | undefined> => {
  const object: ConfigMap | undefined = await optionally(optional, () => referents.configMap(namespace, name))
  if (!object) return undefined
  const texts = Object.entries(object.data ?? {}).map(([key, text]) => [key, Buffer.from(text)] as const)
  const binaries = Object.entries(object.binaryData ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')] as const)
  return new Map([...texts, ...binaries])
}

const secretData = async (
  { referents }: PayloadSources,
  namespace: string,
  name: string,
  optional?: boolean,
): Promise<Data | undefined> => {
  const object: Secret | undefined = await optionally(optional, () => referents.secret(namespace, name))
  return object && new Map(Object.entries(object.data ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')]))
}

const optionally = async <T>(optional: boolean | undefined, read: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await read()
  } catch (error) {
    if (optional && isRefusal(error, 404)) return undefined
    throw error
  }
}

interface Selection {
  readonly items?: readonly KeyToPath[]
  readonly defaultMode?: number
  readonly optional?: boolean
}

const keyed = (data: Data | undefined, { items, defaultMode: mode = defaultMode, optional }: Selection, kind: string): Payload => {
  if (!data) return new Map()
  if (!items || items.length === 0) return new Map([...data].map(([key, bytes]) => [key, { data: bytes, mode }]))
  const files = new Map<string, PayloadFile>()
  for (const item of items) {
    const bytes = data.get(item.key)
    if (bytes) files.set(item.path, { data: bytes, mode: item.mode ?? mode })
    else if (!optional) throw new Error(`references non-existent ${kind} key: ${item.key}`)
  }
  return files
}

const downward = (items: readonly DownwardAPIVolumeFile[], mode: number | undefined, fields: FieldContext): Payload =>
  new Map(
    items.map(({ path, fieldRef, resourceFieldRef, mode: own }) => {
      const text = fieldRef ? fieldValue(fieldRef, fields) : resourceFieldRef ? resourceValue(resourceFieldRef, undefined, fields) : ''
      return [path, { data: Buffer.from(text), mode: own ?? mode ?? defaultMode }]
    }),
  )
