import type { Kind } from '@skiff/api'
import type { Identity } from '@skiff/client'
import type { KubeObject } from '@skiff/machinery'

/** What an admission plugin is asked about: upstream's admission.Attributes. */
export interface AdmissionRequest {
  readonly verb: 'create' | 'update' | 'delete' | 'connect'
  readonly kind: Kind
  readonly namespace: string | undefined
  /** '' while generateName has not been worked out. */
  readonly name: string
  readonly subresource: string | undefined
  /** The new object; undefined for delete. For subresources such as binding or eviction, that object. */
  readonly object: KubeObject | undefined
  readonly old: KubeObject | undefined
  readonly identity: Identity
  readonly dryRun: boolean
  /** The type of `object`, where it is not of `kind`: options of a connection, an Eviction. Only plugins that know no kinds are asked then. */
  readonly objectKind?: { readonly group: string; readonly version: string; readonly kind: string }
  /** The write of a part, about which the general plugins were asked with the part's own object. */
  readonly ofPart?: boolean
  /** Where sentences for the caller go. */
  readonly warnings?: string[]
  /** Notes something for the audit log. */
  readonly annotate?: (key: string, value: string) => void
  /** CreateOptions, UpdateOptions or DeleteOptions, as the caller gave them. */
  readonly options?: () => object
}

/** One plugin. Both functions may refuse by throwing a Refusal; they answer at once where they can, since every write passes them. */
export interface AdmissionPlugin {
  /** Upstream's name. */
  readonly name: string
  /** It knows no kinds by itself, and so is asked about whatever passes. */
  readonly general?: boolean
  /** Gives the object to go on with. */
  readonly mutate?: (request: AdmissionRequest) => KubeObject | undefined | Promise<KubeObject | undefined>
  /** Sees the object as it will be stored. A returned function undoes a reservation when the write fails. */
  readonly validate?: (request: AdmissionRequest) => undefined | (() => void) | Promise<undefined | (() => void)>
}

/** The plugins that a request is put to. */
const askedOf = (plugins: readonly AdmissionPlugin[]): ((request: AdmissionRequest) => readonly AdmissionPlugin[]) => {
  const general = plugins.filter((plugin) => plugin.general)
  const knowing = plugins.filter((plugin) => !plugin.general)
  return ({ objectKind, ofPart }) => {
    if (objectKind === undefined) return ofPart ? knowing : plugins
    return ofPart ? [] : general
  }
}

const nothingToUndo = (): void => {}

/** The plugins in their order, as one. */
export interface Admission {
  mutate(request: AdmissionRequest): Promise<KubeObject | undefined>
  /** Answers what undoes the reservations made. */
  validate(request: AdmissionRequest): Promise<() => void>
}

/** Hears how long a step took: all plugins that shape an object, or all that judge it. */
export type StepTimes = (step: 'admit' | 'validate', verb: AdmissionRequest['verb'], rejected: boolean, startMs: number) => void

export const admissionChain = (
  plugins: readonly AdmissionPlugin[],
  times?: { readonly nowMs: () => number; readonly took: StepTimes },
): Admission => {
  const mutating = askedOf(plugins.filter((plugin) => plugin.mutate))
  const validating = askedOf(plugins.filter((plugin) => plugin.validate))
  return {
    mutate: async (request) => {
      const startMs = times?.nowMs() ?? 0
      let rejected = true
      try {
        let current = request
        const asked = mutating(request)
        for (let at = 0; at < asked.length; at++) {
          const plugin = asked[at] as AdmissionPlugin
          const answer = plugin.mutate?.(current)
          const object = answer instanceof Promise ? await answer : answer
          if (object !== undefined && object !== current.object) current = { ...current, object }
        }
        rejected = false
        return current.object
      } finally {
        times?.took('admit', request.verb, rejected, startMs)
      }
    },
    validate: async (request) => {
      const startMs = times?.nowMs() ?? 0
      let undo: (() => void)[] | undefined
      let rejected = true
      try {
        const asked = validating(request)
        for (let at = 0; at < asked.length; at++) {
          const plugin = asked[at] as AdmissionPlugin
          const answer = plugin.validate?.(request)
          const back = answer instanceof Promise ? await answer : answer
          if (!back) continue
          undo ??= []
          undo.push(back)
        }
        rejected = false
      } finally {
        if (rejected) for (const back of undo ?? []) back()
        times?.took('validate', request.verb, rejected, startMs)
      }
      const reservations = undo
      if (!reservations) return nothingToUndo
      return () => {
        for (const back of reservations) back()
      }
    },
  }
}
