import type { Container, Pod, Probe } from '@skiff/api'

/** `warning` counts as success; `unknown` is thrown away: the probe itself did not work. */
export interface ProbeOutcome {
  readonly result: 'success' | 'warning' | 'failure' | 'unknown'
  readonly output: string
}

export interface ProbeTarget {
  readonly pod: Pod
  readonly container: Container
  readonly containerId: string
  readonly podIp: string
}

/** Probes once. Never throws. */
export type RunProbe = (probe: Probe, target: ProbeTarget) => Promise<ProbeOutcome>

export const success = (output = ''): ProbeOutcome => ({ result: 'success', output })
export const failure = (output: string): ProbeOutcome => ({ result: 'failure', output })
export const unknown = (output: string): ProbeOutcome => ({ result: 'unknown', output })

/** Of what a container answers, no more is read or shown. */
export const maxOutputBytes = 10 * 1024

/** A port by number, or by the name that the container gave it. */
export const portOf = (port: string | number, container: Container): number => {
  const value = typeof port === 'number' ? port : /^\d+$/.test(port) ? Number(port) : namedPort(port, container)
  if (value > 0 && value < 65_536) return value
  throw new Error(`invalid port number: ${value}`)
}

const namedPort = (name: string, container: Container): number => {
  const port = container.ports?.find((one) => one.name === name)?.containerPort
  if (port === undefined) throw new Error(`couldn't find port: ${name}`)
  return port
}

export const joinHostPort = (host: string, port: number): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)

/** A failed connection in Go's words, which users know from events. */
export const dialError = (error: unknown, address: string): string => {
  const code = (error as { code?: string }).code ?? ''
  const words: Record<string, string> = {
    ECONNREFUSED: 'connect: connection refused',
    EHOSTUNREACH: 'connect: no route to host',
    ENETUNREACH: 'connect: network is unreachable',
    ECONNRESET: 'connect: connection reset by peer',
    ETIMEDOUT: 'i/o timeout',
  }
  if (code === 'ENOTFOUND') return `dial tcp: lookup ${address.replace(/:\d+$/, '')}: no such host`
  return `dial tcp ${address}: ${words[code] ?? (error instanceof Error ? error.message : String(error))}`
}
