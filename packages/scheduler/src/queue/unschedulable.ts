import type { QueuedPod } from './queued-pod.ts'

/** The pods that no node takes now, also by the plugins that refused them, so that an event costs nothing to pods that it cannot help. */
export interface Unschedulable {
  rest(queued: QueuedPod): void
  leave(queued: QueuedPod): void
  get(uid: string): QueuedPod | undefined
  all(): Iterable<QueuedPod>
  /** By plugin and profile; under the empty plugin those that none refused, past which every event may help. */
  groups(): Iterable<readonly [plugin: string, pods: ReadonlySet<QueuedPod>]>
  counts(): readonly { readonly plugin: string; readonly profile: string; readonly pods: number }[]
  readonly size: number
  /** How many of them were never tried. */
  readonly gated: number
}

const anything = new Set([''])
const reasonsOf = ({ refusedBy }: QueuedPod): ReadonlySet<string> => (refusedBy.size === 0 ? anything : refusedBy)
const profileOf = ({ pod }: QueuedPod): string => pod.pod.spec.schedulerName ?? 'default-scheduler'

export const createUnschedulable = (): Unschedulable => {
  interface Group {
    readonly plugin: string
    readonly profile: string
    readonly pods: Set<QueuedPod>
  }
  const held = new Map<string, QueuedPod>()
  const groups = new Map<string, Group>()
  let gated = 0
  const groupOf = (plugin: string, queued: QueuedPod): Group => {
    const profile = profileOf(queued)
    const key = `${plugin} ${profile}`
    const known = groups.get(key)
    if (known) return known
    const made: Group = { plugin, profile, pods: new Set() }
    groups.set(key, made)
    return made
  }
  return {
    rest: (queued) => {
      held.set(queued.pod.uid, queued)
      if (queued.gated) gated += 1
      for (const plugin of reasonsOf(queued)) groupOf(plugin, queued).pods.add(queued)
    },
    leave: (queued) => {
      if (!held.delete(queued.pod.uid)) return
      if (queued.gated) gated -= 1
      for (const plugin of reasonsOf(queued)) groupOf(plugin, queued).pods.delete(queued)
    },
    get: (uid) => held.get(uid),
    all: () => held.values(),
    *groups() {
      for (const { plugin, pods } of groups.values()) yield [plugin, pods] as const
    },
    counts: () =>
      [...groups.values()]
        .filter(({ plugin, pods }) => plugin !== '' && pods.size > 0)
        .map(({ plugin, profile, pods }) => ({ plugin, profile, pods: pods.size })),
    get size() {
      return held.size
    },
    get gated() {
      return gated
    },
  }
}
