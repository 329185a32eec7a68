import type { PodTemplateSpec } from '@skiff/api'
import { encodeSortedJson } from '@skiff/machinery'
import { safeText } from '../deployment/hash.ts'

type Fields = Readonly<Record<string, unknown>>
const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {})
/** A field that is not there must not become one without a value. */
const each = (spec: Fields, name: string, change: (item: Fields) => Fields): Fields => {
  const list = spec[name]
  return Array.isArray(list) ? { [name]: list.map((item) => change(fieldsOf(item))) } : {}
}

const withResources = (owner: Fields): Fields => ({ ...owner, resources: owner.resources ?? {} })
const withCreation = (metadata: unknown): Fields => ({ ...fieldsOf(metadata), creationTimestamp: null })

/** A volume whose claim is made with the pod keeps the claim's template. */
const volumeData = (volume: Fields): Fields => {
  const { volumeClaimTemplate } = fieldsOf(volume.ephemeral)
  if (!volumeClaimTemplate) return volume
  const { metadata, spec } = fieldsOf(volumeClaimTemplate)
  return { ...volume, ephemeral: { volumeClaimTemplate: { metadata: withCreation(metadata), spec: withResources(fieldsOf(spec)) } } }
}

/**
 * What a revision keeps of a template: the patch that restores it, with the empty fields that Go's encoder writes. Upstream compares
 * these bytes and names revisions of StatefulSets by them, so its controllers and these take each other's revisions over.
 */
export const revisionData = (template: PodTemplateSpec) => {
  const spec = fieldsOf(template.spec)
  const lists = {
    ...each(spec, 'containers', withResources),
    ...each(spec, 'initContainers', withResources),
    ...each(spec, 'volumes', volumeData),
  }
  return {
    spec: {
      template: { ...template, $patch: 'replace', metadata: withCreation(template.metadata), spec: { ...spec, ...lists } },
    },
  }
}

/** FNV-1, 32 bits, over UTF-8. */
const fnv32 = (bytes: Uint8Array): number => {
  let hash = 0x811c9dc5
  for (const byte of bytes) hash = (Math.imul(hash, 0x01000193) ^ byte) >>> 0
  return hash
}

/** How upstream names a revision by its data. */
export const revisionHash = (data: unknown, collisionCount: number): string =>
  safeText(String(fnv32(Buffer.from(`${encodeSortedJson(data)}${collisionCount}`))))
