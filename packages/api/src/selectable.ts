import type { KubeObject } from '@skiff/machinery'
import type { ResourceFacts, SelectableFacts } from './facts.ts'

type Getter = (object: KubeObject) => string

/** Labels whose value is more than the text of the field of that name. */
const special: Readonly<Record<string, Getter>> = {
  'nodes/spec.unschedulable': (object) => String(dig(object, ['spec', 'unschedulable']) ?? false),
  'pods/spec.hostNetwork': (object) => String(dig(object, ['spec', 'hostNetwork']) ?? false),
  'pods/status.podIP': (object) => text(dig(object, ['status', 'podIP'])),
  'pods/status.podIPs': (object) => text(dig(object, ['status', 'podIP'])),
  'events/source': (object) => text(dig(object, ['source', 'component'])) || text(dig(object, ['reportingComponent'])),
  'replicationcontrollers/status.replicas': (object) => String(dig(object, ['status', 'replicas']) ?? 0),
  'jobs/status.successful': (object) => String(dig(object, ['status', 'succeeded']) ?? 0),
}

/** The text that a field selector of this resource compares; undefined for a label that it does not accept. */
export const fieldGetter = (resource: Pick<ResourceFacts, 'plural'>, facts: SelectableFacts | undefined) => {
  const getters = new Map<string, Getter>()
  const add = (label: string, field: string) => getters.set(label, special[`${resource.plural}/${field}`] ?? pathGetter(field))
  for (const field of facts?.fields ?? []) add(field, field)
  for (const always of ['metadata.name', 'metadata.namespace']) add(always, always)
  for (const [alias, field] of Object.entries(facts?.aliases ?? {})) add(alias, field)
  return (object: KubeObject, label: string): string | undefined => getters.get(label)?.(object)
}

const pathGetter = (field: string): Getter => {
  const path = field.split('.')
  return (object) => text(dig(object, path))
}

const dig = (value: unknown, path: readonly string[]): unknown => {
  let at = value
  for (const name of path) {
    if (typeof at !== 'object' || at === null) return undefined
    at = (at as Readonly<Record<string, unknown>>)[name]
  }
  return at
}

const text = (value: unknown): string => (value === undefined || value === null ? '' : String(value))
