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

/** The plugins in their order, as one. Both answer at once where all plugins do. */
export interface Admission {
  mutate(request: AdmissionRequest): KubeObject | undefined | Promise<KubeObject | undefined>
  /** Answers what undoes the reservations made; undefined where there are none. */
  validate(request: AdmissionRequest): Undo | undefined | Promise<Undo | undefined>
}
type Undo = () => void

/** Hears how long a step took: all plugins that shape an object, or all that judge it. */
export type StepTimes = (step: 'admit' | 'validate', verb: AdmissionRequest['verb'], rejected: boolean, startMs: number) => void

/** Asks each plugin in turn, and waits only for those that do not answer at once. */
const inTurn = <T>(
  plugins: readonly AdmissionPlugin[],
  ask: (plugin: AdmissionPlugin) => T | Promise<T>,
  take: (answer: T) => void,
  from = 0,
): undefined | Promise<undefined> => {
  for (let at = from; at < plugins.length; at++) {
    const answer = ask(plugins[at] as AdmissionPlugin)
    if (answer instanceof Promise)
      return answer.then((late) => {
        take(late)
        return inTurn(plugins, ask, take, at + 1)
      })
    take(answer)
  }
  return undefined
}

/** What `act` answers, now or later; `ended` hears first whether it failed. */
const concluded = <T>(act: () => undefined | Promise<undefined>, ended: (failed: boolean) => void, answer: () => T): T | Promise<T> => {
  let waiting: undefined | Promise<undefined>
  try {
    waiting = act()
  } catch (error) {
    ended(true)
    throw error
  }
  if (waiting)
    return waiting.then(
      () => {
        ended(false)
        return answer()
      },
      (error) => {
        ended(true)
        throw error
      },
    )
  ended(false)
  return answer()
}

export const admissionChain = (
  plugins: readonly AdmissionPlugin[],
  times?: { readonly nowMs: () => number; readonly took: StepTimes },
): Admission => {
  const mutating = askedOf(plugins.filter((plugin) => plugin.mutate))
  const validating = askedOf(plugins.filter((plugin) => plugin.validate))
  return {
    mutate: (request) => {
      const startMs = times?.nowMs() ?? 0
      let current = request
      const ask = ({ mutate }: AdmissionPlugin) => mutate?.(current)
      const take = (object: KubeObject | undefined): void => {
        if (object !== undefined && object !== current.object) current = { ...current, object }
      }
      return concluded(
        () => inTurn(mutating(request), ask, take),
        (failed) => times?.took('admit', request.verb, failed, startMs),
        () => current.object,
      )
    },
    validate: (request) => {
      const startMs = times?.nowMs() ?? 0
      let reservations: Undo[] | undefined
      const undo = (): void => {
        for (const back of reservations ?? []) back()
      }
      const ask = ({ validate }: AdmissionPlugin) => validate?.(request)
      const take = (back: Undo | undefined): void => {
        if (!back) return
        reservations ??= []
        reservations.push(back)
      }
      return concluded(
        () => inTurn(validating(request), ask, take),
        (failed) => {
          if (failed) undo()
          times?.took('validate', request.verb, failed, startMs)
        },
        () => (reservations ? undo : undefined),
      )
    },
  }
}
