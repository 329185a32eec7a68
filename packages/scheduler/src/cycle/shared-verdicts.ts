import type { Snapshot } from '../snapshot/snapshot.ts'
import type { Verdict } from './framework.ts'

/** What plugins that look at the node object alone said about nodes, for all pods of one class. */
export interface SharedVerdicts {
  /** The verdict on `slot`, from `ask` when the node changed since, or was never asked about. */
  at(slot: number, ask: (slot: number) => Verdict | undefined): Verdict | undefined
}

const maxClasses = 128

/** By pod class, the newest classes kept. */
export const createVerdictCache = (snapshot: Snapshot): ((nodeClass: string) => SharedVerdicts) => {
  const classes = new Map<string, SharedVerdicts>()
  const make = (): SharedVerdicts => {
    const versions: number[] = []
    const verdicts: (Verdict | undefined)[] = []
    return {
      at: (slot, ask) => {
        const version = snapshot.node(slot)?.version ?? 0
        if (versions[slot] === version) return verdicts[slot]
        const verdict = ask(slot)
        versions[slot] = version
        verdicts[slot] = verdict
        return verdict
      },
    }
  }
  return (nodeClass) => {
    const held = classes.get(nodeClass) ?? make()
    classes.delete(nodeClass)
    classes.set(nodeClass, held)
    for (const [oldest] of classes) {
      if (classes.size <= maxClasses) break
      classes.delete(oldest)
    }
    return held
  }
}
