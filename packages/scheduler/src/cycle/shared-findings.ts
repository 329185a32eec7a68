/** What was found out about nodes, for all pods of one class. */
export interface SharedFindings<T> {
  /** What was found at `slot`, by `ask` when the node changed since, or was never asked about. */
  at(slot: number, ask: (slot: number) => T): T
}

/** By pod class, the newest `maxClasses` kept. `versionOf` goes up with every change of a node that the findings depend on. */
export const createSharedFindings = <T>(
  versionOf: (slot: number) => number,
  maxClasses = 128,
): ((podClass: string) => SharedFindings<T>) => {
  const classes = new Map<string, SharedFindings<T>>()
  const make = (): SharedFindings<T> => {
    const versions: number[] = []
    const findings: T[] = []
    return {
      at: (slot, ask) => {
        const version = versionOf(slot)
        if (versions[slot] === version) return findings[slot] as T
        const found = ask(slot)
        versions[slot] = version
        findings[slot] = found
        return found
      },
    }
  }
  return (podClass) => {
    const held = classes.get(podClass) ?? make()
    classes.delete(podClass)
    classes.set(podClass, held)
    for (const [oldest] of classes) {
      if (classes.size <= maxClasses) break
      classes.delete(oldest)
    }
    return held
  }
}
