import type { FlowSchema, FlowSchemaSpec, PriorityLevelConfiguration, PriorityLevelConfigurationSpec } from '@skiff/api'
import type { Identity } from '@skiff/client'
import { mandatoryLevels, mandatorySchemas } from './bootstrap-objects.ts'
import { type FlowRequest, type RuleMatch, rulesFor } from './flow-rules.ts'
import { configureLevel, createLevel, type Level } from './level.ts'
import type { Flow } from './limiter.ts'
import { divideSeats } from './seats.ts'

export interface Flows {
  /** Takes over the objects as they are. */
  configure(schemas: readonly FlowSchema[], levels: readonly PriorityLevelConfiguration[]): void
  /** The flow of a request. There is always one: what nothing else matches is caught at the end. */
  flowOf(identity: Identity, request: FlowRequest): Flow
  readonly levels: ReadonlyMap<string, Level>
  /** Every flow there is. */
  all(): readonly Flow[]
}

interface Candidate {
  readonly matches: RuleMatch
  readonly flow: Flow
}

/** Which flow requests belong to; `seats` is how many requests the server runs at a time. */
export const createFlows = (seats: number): Flows => {
  const levels = new Map<string, Level>()
  let known: ReadonlyMap<string, unknown> = new Map()
  let schemas: readonly { readonly schema: FlowSchema; readonly flow: Flow }[] = []
  let byIdentity = new WeakMap<Identity, readonly Candidate[]>()
  const candidatesOf = (identity: Identity): readonly Candidate[] => {
    const made: Candidate[] = []
    for (const { schema, flow } of schemas) {
      const matches = rulesFor(schema, identity)
      if (matches) made.push({ matches, flow })
    }
    byIdentity.set(identity, made)
    return made
  }
  const setLevels = (given: readonly PriorityLevelConfiguration[]): void => {
    const uids = new Map(given.map(({ metadata }) => [metadata.name, metadata.uid]))
    const specs = new Map<string, PriorityLevelConfigurationSpec>([
      ...Object.entries(mandatoryLevels),
      ...given.map(({ metadata, spec }) => [metadata.name, spec] as const),
    ])
    const divided = divideSeats(seats, specs)
    // Who holds a seat of a level that is gone, or waits for one, stays.
    for (const [name, level] of levels) if (!specs.has(name) && level.inUse === 0 && level.queues.length === 0) levels.delete(name)
    known = specs
    for (const [name, spec] of specs) {
      const level = levels.get(name) ?? createLevel(name)
      levels.set(name, level)
      configureLevel(level, spec, uids.get(name) ?? '', divided.get(name) ?? { nominal: 0, kept: 0, most: 0 })
    }
  }
  const setSchemas = (given: readonly FlowSchema[]): void => {
    const named = new Map(given.map((schema) => [schema.metadata.name, schema]))
    for (const [name, spec] of Object.entries(mandatorySchemas)) if (!named.has(name)) named.set(name, absent(name, spec))
    const served = new Map(schemas.map(({ flow }) => [flow.schema.uid, flow.served]))
    schemas = [...named.values()]
      .filter(({ spec }) => known.has(spec.priorityLevelConfiguration.name ?? ''))
      .sort((a, b) => precedence(a) - precedence(b) || (a.metadata.name < b.metadata.name ? -1 : 1))
      .map((schema) => ({ schema, flow: flowOfSchema(schema, levels, served.get(schema.metadata.uid) ?? 0) }))
    byIdentity = new WeakMap()
  }
  return {
    levels,
    all: () => schemas.map(({ flow }) => flow),
    configure: (givenSchemas, givenLevels) => {
      setLevels(givenLevels)
      setSchemas(givenSchemas)
    },
    flowOf: (identity, request) => {
      const candidates = byIdentity.get(identity) ?? candidatesOf(identity)
      for (const { matches, flow } of candidates) if (matches(request)) return flow
      return (schemas.find(({ schema }) => schema.metadata.name === 'catch-all') as { flow: Flow }).flow
    },
  }
}

const precedence = ({ spec }: FlowSchema): number => spec.matchingPrecedence ?? 1000

const absent = (name: string, spec: FlowSchemaSpec): FlowSchema =>
  ({ apiVersion: 'flowcontrol.apiserver.k8s.io/v1', kind: 'FlowSchema', metadata: { name, uid: '' }, spec }) as unknown as FlowSchema

const flowOfSchema = ({ metadata, spec }: FlowSchema, levels: ReadonlyMap<string, Level>, served: number): Flow => ({
  schema: { name: metadata.name, uid: metadata.uid },
  level: levels.get(spec.priorityLevelConfiguration.name ?? '') as Level,
  by: spec.distinguisherMethod?.type as Flow['by'],
  served,
})
