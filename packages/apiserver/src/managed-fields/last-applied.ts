import {
  addPath,
  type Change,
  type Conflict,
  collectFields,
  compareFields,
  encodeSortedJson,
  isJsonObject,
  type Json,
  openSet,
  type Typed,
  without,
} from '@skiff/machinery'

const annotation = 'kubectl.kubernetes.io/last-applied-configuration'

const annotationsOf = (value: Json): Readonly<Record<string, Json>> => {
  const metadata = isJsonObject(value) && isJsonObject(value.metadata) ? value.metadata : {}
  return isJsonObject(metadata.annotations) ? metadata.annotations : {}
}

/**
 * The conflicts that remain for kubectl's first server-side apply over its client-side ones: fields that still are as it applied
 * them were its own all along.
 */
export const lastAppliedAllows = (change: Change, live: Json, conflicts: readonly Conflict[]): readonly Conflict[] => {
  const text = annotationsOf(live)[annotation]
  const last = typeof text === 'string' && text !== '' ? parsed(text) : undefined
  if (!isJsonObject(last) || last.apiVersion !== change.apiVersion) return conflicts
  const type = change.versions.typeOf(change.apiVersion) as Typed
  const { added, modified, removed } = compareFields(type, last, live)
  const owned = without(without(without(collectFields(type, last), modified), added), removed)
  return conflicts.filter(({ path }) => {
    const one = openSet()
    addPath(one, path)
    return without(one, owned).inner.size > 0
  })
}

const parsed = (text: string): Json | undefined => {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

/** The annotation of client-side apply says what was applied last, where there is one: it follows kubectl's server-side applies. */
export const withLastApplied = (merged: Readonly<Record<string, unknown>>, config: Json): Readonly<Record<string, unknown>> => {
  const annotations = annotationsOf(merged as Json)
  if (annotations[annotation] === undefined) return merged
  const value = `${encodeSortedJson(withoutAnnotation(config))}\n`
  const metadata = { ...(merged.metadata as object), annotations: { ...annotations, [annotation]: value } }
  return { ...merged, metadata }
}

const withoutAnnotation = (config: Json): Json => {
  if (!isJsonObject(config) || !isJsonObject(config.metadata) || !isJsonObject(config.metadata.annotations)) return config
  const { [annotation]: _, ...annotations } = config.metadata.annotations
  return { ...config, metadata: { ...config.metadata, annotations } }
}
