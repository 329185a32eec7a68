import type { ObjectSchema } from '@skiff/machinery'
import { buildCatalogue, type Kind } from './catalogue.ts'
import { conversions } from './conversions.ts'
import { formats } from './decode-formats.ts'
import { constantDefaultsUnder } from './defaults/constants.ts'
import type { ResourceFacts } from './facts.ts'
import { defaultGates, type Gates } from './features/gates.ts'
import type { Serves } from './features/runtime-config.ts'
import { kinds as entries } from './kinds.ts'
import type { LegacyKinds } from './legacy/build.ts'

/** The built-in kinds, with those that are only ever sent to a subresource. */
export interface Builtins {
  readonly kinds: readonly Kind[]
  readonly schemaOf: (typeName: string) => ObjectSchema
  readonly scaleKind: Kind
  readonly tokenRequestKind: Kind
  readonly evictionKind: Kind
  /** A kind that no 1.33 server serves, from its facts: without a behaviour. */
  readonly kindOf: (facts: ResourceFacts) => Kind
}

const virtual = { verbs: [], singular: '', namespaced: true, listKind: '', listType: '' }

/** Under which features, and what is served besides and without what 1.33 serves by default. */
export interface BuiltinsOptions {
  readonly gates?: Gates
  readonly serves?: Serves
}

export const buildBuiltins = ({ gates = defaultGates, serves }: BuiltinsOptions = {}): Builtins => {
  const catalogue = buildCatalogue({
    entries,
    constantDefaults: constantDefaultsUnder(gates),
    formats,
    conversions,
    gates,
    ...(serves ? { serves } : {}),
  })
  return {
    kinds: catalogue.kinds,
    schemaOf: catalogue.schemaOf,
    kindOf: catalogue.kindOf,
    scaleKind: catalogue.kindOf({
      ...virtual,
      group: 'autoscaling',
      version: 'v1',
      kind: 'Scale',
      plural: 'scales',
      type: 'io.k8s.api.autoscaling.v1.Scale',
    }),
    tokenRequestKind: catalogue.kindOf({
      ...virtual,
      group: 'authentication.k8s.io',
      version: 'v1',
      kind: 'TokenRequest',
      plural: 'tokenrequests',
      type: 'io.k8s.api.authentication.v1.TokenRequest',
    }),
    evictionKind: catalogue.kindOf({
      ...virtual,
      group: 'policy',
      version: 'v1',
      kind: 'Eviction',
      plural: 'evictions',
      type: 'io.k8s.api.policy.v1.Eviction',
    }),
  }
}

/** The versions that upstream removed, with the scales that they had: loaded only where they are wanted. */
export const loadLegacyKinds = async (builtins: Builtins): Promise<LegacyKinds> =>
  (await import('./legacy/build.ts')).buildLegacyKinds(builtins)
