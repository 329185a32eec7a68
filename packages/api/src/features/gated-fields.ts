import type { FieldFacts, TypeFacts } from '@skiff/machinery'
import type { Gates } from './gates.ts'
import type { GateName } from './known.ts'

/** Fields of gates that the facts do not mark, by type. */
const more: Readonly<Record<string, Readonly<Record<string, GateName>>>> = {
  'io.k8s.api.core.v1.Lifecycle': { stopSignal: 'ContainerStopSignals' },
  'io.k8s.api.core.v1.PodSpec': { hostUsers: 'UserNamespacesSupport' },
  'io.k8s.api.core.v1.SecurityContext': { procMount: 'ProcMountType' },
  'io.k8s.api.core.v1.TopologySpreadConstraint': { matchLabelKeys: 'MatchLabelKeysInPodTopologySpread' },
  'io.k8s.api.batch.v1.JobSpec': { podReplacementPolicy: 'JobPodReplacementPolicy', managedBy: 'JobManagedBy' },
  'io.k8s.api.apps.v1.RollingUpdateStatefulSetStrategy': { maxUnavailable: 'MaxUnavailableStatefulSet' },
  'io.k8s.api.apps.v1.DeploymentStatus': { terminatingReplicas: 'DeploymentReplicaSetTerminatingReplicas' },
  'io.k8s.api.apps.v1.ReplicaSetStatus': { terminatingReplicas: 'DeploymentReplicaSetTerminatingReplicas' },
}

/** Fields that upstream does not simply drop: the whole reference goes, in the claim's own file. */
const apart = new Set(['io.k8s.api.core.v1.TypedObjectReference.namespace'])

/** Where in values of a type fields of gates lie that are off. */
interface Places {
  readonly gated: readonly (readonly [name: string, gates: string])[]
  readonly inner: readonly (readonly [name: string, many: boolean, places: Places])[]
}

/** An object without the fields of gates that are off, unless `old` uses the same gate. Gives the object itself back when there is nothing to drop. */
export type DropDisabled = <T extends object>(next: T, old: object | undefined) => T

/** Compiles what is to be dropped from values of each type; undefined for a type without such fields. */
export const compileDropDisabled = (
  types: Readonly<Record<string, TypeFacts>>,
  gates: Gates,
): ((typeName: string) => DropDisabled | undefined) => {
  const done = new Map<string, Places | undefined>()
  const isOff = (names: readonly string[]): boolean => names.every((name) => (gates as Readonly<Record<string, boolean>>)[name] === false)
  const gateOf = (typeName: string, field: string, facts: FieldFacts): string | undefined => {
    const named = facts.gate ?? more[typeName]?.[field]
    if (named === undefined || apart.has(`${typeName}.${field}`)) return undefined
    const names = typeof named === 'string' ? [named] : named
    return isOff(names) ? names.join(' ') : undefined
  }
  const placesOf = (typeName: string): Places | undefined => {
    if (done.has(typeName)) return done.get(typeName)
    // A type within itself adds nothing to what it holds already.
    done.set(typeName, undefined)
    const gated: [string, string][] = []
    const inner: [string, boolean, Places][] = []
    for (const [field, facts] of Object.entries(types[typeName]?.fields ?? {})) {
      const gate = gateOf(typeName, field, facts)
      const held = facts.items ?? facts.values ?? facts
      const places = held.ref === undefined ? undefined : placesOf(held.ref)
      if (gate !== undefined) gated.push([field, gate])
      else if (places) inner.push([field, held !== facts, places])
    }
    const made = gated.length + inner.length > 0 ? { gated, inner } : undefined
    done.set(typeName, made)
    return made
  }
  return (typeName) => {
    const places = placesOf(typeName)
    return places && ((next, old) => drop(places, next, old))
  }
}

type Loose = Readonly<Record<string, unknown>>

const drop = <T extends object>(places: Places, next: T, old: object | undefined): T => {
  const used = new Set<string>()
  findUsed(places, next as Loose, used)
  if (used.size === 0) return next
  const kept = new Set<string>()
  if (old) findUsed(places, old as Loose, kept)
  for (const gate of kept) used.delete(gate)
  return used.size === 0 ? next : (without(places, next as Loose, used) as T)
}

const valuesOf = (value: unknown): readonly Loose[] => (Array.isArray(value) ? value : Object.values(value as Loose)) as readonly Loose[]

const findUsed = ({ gated, inner }: Places, object: Loose, used: Set<string>): void => {
  for (const [name, gate] of gated) if (object[name] !== undefined) used.add(gate)
  for (const [name, many, places] of inner) {
    const value = object[name]
    if (value === undefined || value === null) continue
    if (!many) findUsed(places, value as Loose, used)
    else for (const each of valuesOf(value)) findUsed(places, each, used)
  }
}

const without = ({ gated, inner }: Places, object: Loose, dropped: ReadonlySet<string>): Loose => {
  const next: Record<string, unknown> = { ...object }
  for (const [name, gate] of gated) if (dropped.has(gate)) delete next[name]
  for (const [name, many, places] of inner) {
    const value = next[name]
    if (value === undefined || value === null) continue
    if (!many) next[name] = without(places, value as Loose, dropped)
    else if (Array.isArray(value)) next[name] = value.map((each) => without(places, each as Loose, dropped))
    else
      next[name] = Object.assign(
        Object.create(null),
        mapped(value as Loose, (each) => without(places, each, dropped)),
      )
  }
  return next
}

const mapped = (map: Loose, change: (value: Loose) => Loose): Loose =>
  Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value as Loose)]))
