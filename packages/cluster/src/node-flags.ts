import type { NodePatience } from '@skiff/apiserver'
import type { NodeHealth } from '@skiff/controllers'
import { parseDurationMs } from '@skiff/machinery'
import { UserError } from './talk.ts'

/** Flags of kube-controller-manager and kube-apiserver that say when nodes count as lost, as `up` takes them. */
export type NodeFlag =
  | 'nodeMonitorGracePeriod'
  | 'nodeStartupGracePeriod'
  | 'nodeEvictionRate'
  | 'secondaryNodeEvictionRate'
  | 'unhealthyZoneThreshold'
  | 'largeClusterSizeThreshold'
  | 'defaultNotReadyTolerationSeconds'
  | 'defaultUnreachableTolerationSeconds'

/** As they were given; what is absent is upstream's default. */
export type NodeFlags = { readonly [flag in NodeFlag]?: string }

interface FlagFacts {
  readonly takes: 'duration' | 'number' | 'count'
  readonly does: string
}

export const nodeFlags: Readonly<Record<NodeFlag, FlagFacts>> = {
  nodeMonitorGracePeriod: { takes: 'duration', does: 'how long a node may be silent until it is not ready (50s)' },
  nodeStartupGracePeriod: { takes: 'duration', does: 'the same for a node that has said nothing yet (1m0s)' },
  nodeEvictionRate: { takes: 'number', does: 'how many lost nodes of a zone are emptied in a second (0.1)' },
  secondaryNodeEvictionRate: { takes: 'number', does: 'the same where most nodes of a large zone are lost (0.01)' },
  unhealthyZoneThreshold: { takes: 'number', does: 'the share of lost nodes that makes a zone such a one (0.55)' },
  largeClusterSizeThreshold: { takes: 'count', does: 'zones with more nodes are large; the others are then not emptied at all (50)' },
  defaultNotReadyTolerationSeconds: { takes: 'count', does: 'how long pods stay on a node that is not ready, where they do not say (300)' },
  defaultUnreachableTolerationSeconds: { takes: 'count', does: 'the same for a node that cannot be reached (300)' },
}

const names = Object.keys(nodeFlags) as NodeFlag[]
/** `--node-eviction-rate`. */
export const optionOf = (flag: NodeFlag): string => `--${flag.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`

/** What was asked for on top of what was kept; refused where it cannot be read. */
export const chosenNodeFlags = (asked: NodeFlags, held: NodeFlags = {}): { readonly nodeFlags?: NodeFlags } => {
  const chosen = Object.fromEntries(
    names.flatMap((name) => {
      const value = asked[name] ?? held[name]
      if (value === undefined) return []
      flagValue(name, value)
      return [[name, value]]
    }),
  )
  return Object.keys(chosen).length > 0 ? { nodeFlags: chosen } : {}
}

/** The first flag that asks for something else than what a cluster runs with. */
export const differingNodeFlag = (asked: NodeFlags, held: NodeFlags = {}): string | undefined => {
  const flag = names.find((name) => asked[name] !== undefined && asked[name] !== held[name])
  return flag === undefined ? undefined : `${optionOf(flag)} ${asked[flag]}`
}

const flagValue = (flag: NodeFlag, text: string): number => {
  const refuse = (why: string): never => {
    throw new UserError(`invalid argument ${JSON.stringify(text)} for ${JSON.stringify(optionOf(flag))} flag: ${why}`)
  }
  const { takes } = nodeFlags[flag]
  if (takes === 'duration') {
    const ms = durationOf(text) ?? refuse(`time: invalid duration ${JSON.stringify(text)}`)
    return ms > 0 ? ms : refuse('it must be longer than nothing')
  }
  const number = text.trim() === '' ? Number.NaN : Number(text)
  if (Number.isNaN(number) || number < 0 || (takes === 'count' && !Number.isInteger(number)))
    refuse(takes === 'count' ? 'it is a whole number from 0 on' : 'it is a number from 0 on')
  return number
}

const durationOf = (text: string): number | undefined => {
  try {
    return parseDurationMs(text)
  } catch {
    return undefined
  }
}

/** What the flags say to the controllers. */
export const nodeHealthOf = (flags: NodeFlags, usual: NodeHealth): NodeHealth => {
  const value = (flag: NodeFlag, otherwise: number): number => {
    const text = flags[flag]
    return text === undefined ? otherwise : flagValue(flag, text)
  }
  return {
    graceMs: value('nodeMonitorGracePeriod', usual.graceMs),
    startupGraceMs: value('nodeStartupGracePeriod', usual.startupGraceMs),
    evictionsPerSecond: value('nodeEvictionRate', usual.evictionsPerSecond),
    secondaryEvictionsPerSecond: value('secondaryNodeEvictionRate', usual.secondaryEvictionsPerSecond),
    unhealthyShare: value('unhealthyZoneThreshold', usual.unhealthyShare),
    largeZone: value('largeClusterSizeThreshold', usual.largeZone),
  }
}

/** What the flags say to the API server. */
export const nodePatienceOf = (flags: NodeFlags): NodePatience => {
  const { defaultNotReadyTolerationSeconds: notReady, defaultUnreachableTolerationSeconds: unreachable } = flags
  return {
    ...(notReady === undefined ? {} : { notReadySeconds: flagValue('defaultNotReadyTolerationSeconds', notReady) }),
    ...(unreachable === undefined ? {} : { unreachableSeconds: flagValue('defaultUnreachableTolerationSeconds', unreachable) }),
  }
}
