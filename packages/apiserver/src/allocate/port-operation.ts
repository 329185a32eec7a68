import { type PortClaims, portTaken } from './port-claims.ts'

/** The node ports that one write takes and gives back: all of it or, when the write fails, none. */
export interface PortOperation {
  /** Answers why not. */
  take(port: number): Promise<string | undefined>
  next(): Promise<number | undefined>
  /** Given back once the write is done. */
  releaseLater(port: number): void
  commit(): Promise<void>
  revert(): Promise<void>
}

export const beginPorts = (claims: PortClaims): PortOperation => {
  const taken: number[] = []
  const leaving: number[] = []
  const releaseAll = async (ports: readonly number[]): Promise<void> => {
    await Promise.all(ports.map(claims.release))
  }
  return {
    take: async (port) => {
      const why = await claims.take(port)
      if (why === undefined) taken.push(port)
      return why
    },
    next: async () => {
      const port = await claims.next()
      if (port !== undefined) taken.push(port)
      return port
    },
    releaseLater: (port) => leaving.push(port),
    commit: () => releaseAll(leaving.splice(0)),
    revert: () => releaseAll(taken.splice(0)),
  }
}

/** Takes nothing. As upstream, the port shown for a free one is made up, and lies past the usual range. */
export const beginDryPorts = (claims: PortClaims): PortOperation => {
  const taken: number[] = []
  const nothing = async (): Promise<void> => {}
  return {
    take: async (port) => {
      if (claims.has(port) || taken.includes(port)) return portTaken
      taken.push(port)
      return undefined
    },
    next: async () => {
      const port = Math.max(32_767, ...taken) + 1
      taken.push(port)
      return port
    },
    releaseLater: () => {},
    commit: nothing,
    revert: nothing,
  }
}
