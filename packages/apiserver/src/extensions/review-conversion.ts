import { randomUUID } from 'node:crypto'
import type { CustomResourceConversion } from '@skiff/api'
import {
  encodeJson,
  errorText,
  type FieldError,
  goType,
  isJsonArray,
  isJsonObject,
  type Json,
  type JsonObject,
  type KubeObject,
  Refusal,
  sameJson,
  splitApiVersion,
  validateAnnotations,
  validateLabels,
} from '@skiff/machinery'
import { type WebhookClient, WebhookFault } from '../webhooks/client.ts'

/** How long a webhook may take. */
const timeoutMs = 30_000
const group = 'apiextensions.k8s.io'
const known = ['v1', 'v1beta1']

/** Converts objects of one kind into a version, in one call. Throws a Refusal with upstream's text. */
export type ReviewConversion = (objects: readonly KubeObject[], apiVersion: string) => Promise<readonly KubeObject[]>

/** Conversion by the webhook that a definition names. */
export const reviewConversion = (conversion: CustomResourceConversion, client: WebhookClient): ReviewConversion => {
  const { clientConfig = {}, conversionReviewVersions = [] } = conversion.webhook ?? {}
  const version = conversionReviewVersions.find((each) => known.includes(each))
  return async (objects, apiVersion) => {
    const others = objects.filter((object) => object.apiVersion !== apiVersion)
    if (others.length === 0) return objects
    if (version === undefined) throw failed('no supported conversion review versions')
    const uid = randomUUID()
    const review = {
      kind: 'ConversionReview',
      apiVersion: `${group}/${version}`,
      request: { uid, desiredAPIVersion: apiVersion, objects: others },
    }
    const what = `conversion webhook for ${shownKind(others[0] as KubeObject)}`
    let answer: unknown
    try {
      answer = await client.post({ address: clientConfig, body: encodeJson(review), timeoutMs })
    } catch (error) {
      if (!(error instanceof WebhookFault)) throw error
      throw failed(`${what} failed: ${error.message}`)
    }
    const converted = objectsOf(answer as Json, version, uid, what)
    if (converted.length !== others.length) throw failed(`${what} returned ${converted.length} objects, expected ${others.length}`)
    const checked = others.map((object, index) =>
      checkConverted(object, converted[index] as Json, apiVersion, what, others.length > 1 ? index : -1),
    )
    return objects.map((object) => (object.apiVersion === apiVersion ? object : (checked.shift() as KubeObject)))
  }
}

/** Upstream has no reason for it. */
const failed = (text: string): Refusal => new Refusal(500, '', text)

const shownKind = ({ apiVersion, kind }: { readonly apiVersion?: Json; readonly kind?: Json }): string =>
  `${apiVersion || '/'}, Kind=${kind ?? ''}`

/** The objects of an answer that says Success. */
const objectsOf = (answer: Json, version: string, uid: string, what: string): readonly Json[] => {
  const refuse = (why: string): never => {
    throw failed(`${what} failed: ${why}`)
  }
  const review = isJsonObject(answer) ? answer : {}
  const is = shownKind(review)
  // Answers of the older version were never looked at that closely.
  if (version === 'v1' && is !== `${group}/v1, Kind=ConversionReview`)
    refuse(`expected webhook response of ${group}/v1, Kind=ConversionReview, got ${is}`)
  const { response } = review
  if (!isJsonObject(response)) return refuse('no response provided')
  if (version === 'v1' && response.uid !== uid)
    refuse(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? '')}`)
  const result = isJsonObject(response.result) ? response.result : {}
  if (result.status !== 'Success') refuse(String(result.message || `response.result.status was '${result.status ?? ''}', not 'Success'`))
  return isJsonArray(response.convertedObjects) ? response.convertedObjects : []
}

/** The converted object with the metadata that it had: labels and annotations alone are the webhook's. */
const checkConverted = (before: KubeObject, after: Json, apiVersion: string, what: string, index: number): KubeObject => {
  const refuse = (why: string, of = index < 0 ? 'object at index 0' : `converted object at index ${index}`): never => {
    throw failed(`${what} returned invalid ${of}: ${why}`)
  }
  const object = (isJsonObject(after) ? after : {}) as unknown as KubeObject & JsonObject
  const version = object.apiVersion ?? ''
  if (version !== apiVersion)
    refuse(`invalid groupVersion (expected ${shownVersion(apiVersion)}, received ${shownVersion(String(version))})`)
  if (object.kind !== before.kind) refuse(`invalid kind (expected ${before.kind}, received ${object.kind ?? ''})`)
  const metadata = isJsonObject(object.metadata as unknown as Json) ? object.metadata : undefined
  for (const [name, word] of names) {
    const [expected, received] = [before.metadata[name] ?? '', metadata?.[name] ?? '']
    if (expected !== received)
      refuse(`must have the same ${word}: ${expected} != ${received}`, index < 0 ? 'object' : `converted object at index ${index}`)
  }
  const inMetadata = (why: string) => refuse(why, index < 0 ? 'metadata' : `metadata in object at index ${index}`)
  if (object.metadata === undefined) inMetadata('missing metadata in converted object')
  if (metadata === undefined) inMetadata(`invalid metadata of type ${goType(object.metadata as unknown as Json)} in converted object`)
  return { ...object, metadata: restored(before, metadata as unknown as JsonObject, inMetadata) }
}

const names = [
  ['name', 'name'],
  ['namespace', 'namespace'],
  ['uid', 'UID'],
] as const

const shownVersion = (apiVersion: string): string => {
  const { group: of, version } = splitApiVersion(apiVersion)
  return of === '' ? version : `${of}/${version}`
}

const restored = (before: KubeObject, given: JsonObject, refuse: (why: string) => never): KubeObject['metadata'] => {
  const metadata: Record<string, unknown> = { ...before.metadata }
  for (const field of ['labels', 'annotations'] as const) {
    const next = given[field]
    if (next === undefined || next === null) {
      delete metadata[field]
      continue
    }
    if (!isJsonObject(next)) return refuse(`invalid metadata.${field} of type ${goType(next)} in converted object`)
    for (const [key, value] of Object.entries(next))
      if (typeof value !== 'string') refuse(`metadata.${field}[${key}] must be a string, but is ${goType(value)} in converted object`)
    if (!sameJson(next, (before.metadata[field] ?? {}) as Json)) {
      const faults = checks[field](next as Readonly<Record<string, string>>)
      if (faults.length > 0) refuse(faults.length === 1 ? errorText(faults[0] as FieldError) : `[${faults.map(errorText).join(', ')}]`)
    }
    metadata[field] = next
  }
  return metadata as unknown as KubeObject['metadata']
}

const checks = {
  labels: (labels: Readonly<Record<string, string>>) => validateLabels(labels, 'metadata.labels'),
  annotations: (annotations: Readonly<Record<string, string>>) => validateAnnotations(annotations, 'metadata.annotation'),
}
