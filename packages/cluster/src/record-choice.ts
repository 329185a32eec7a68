import { createServer } from 'node:net'
import { hostname } from 'node:os'
import { gatesOf, parseRuntimeConfig, resolveRuntimeConfig, resourceFacts } from '@skiff/api'
import { chooseRanges, takenRanges } from '@skiff/network'
import { hasRealNodes } from './cluster-network.ts'
import { chosenNodeFlags, differingNodeFlag } from './node-flags.ts'
import { isRoot } from './place.ts'
import { allRecords, type ClusterRecord, type NodeRecord, type RuntimeName } from './record.ts'
import { differingLimit, requestLimits } from './request-limits.ts'
import { schedulerChoice } from './scheduler-setup.ts'
import { changedRanges, ipv4Range, serviceRangeOf, serviceRanges } from './service-ranges.ts'
import { changeSimulation, chooseSimulation } from './simulation-choice.ts'
import { type Tell, UserError } from './talk.ts'
import type { UpOptions } from './up-options.ts'

/** What a new cluster is, from what `up` was asked for and what the machine has free. */
export const newRecord = async (options: UpOptions, tell: Tell): Promise<ClusterRecord> => {
  const runtime = chooseRuntime(options, tell)
  const simulation = chooseSimulation(options)
  const controlPlaneOnly = options.controlPlaneOnly === true || simulation.simulatedNodes !== undefined
  if (controlPlaneOnly && options.nodes !== undefined) throw new UserError('--control-plane-only has no nodes; leave --nodes away')
  const count = nodeCount(options.nodes ?? 1)
  const real = runtime === 'containerd' && !controlPlaneOnly
  return {
    format: 1,
    name: options.name,
    runtime,
    controlPlaneOnly,
    ...simulation,
    apiPort: options.apiPort ?? 0,
    nodes: controlPlaneOnly ? [] : nodesUpTo(count, [], options.name, real),
    ranges: chooseRanges(real ? [...(await takenRanges(options.name)), ...rangesOfOthers(options.name)] : [], wantedRanges(options)),
    controllers: (options.controllers ?? '*').split(','),
    ...features(options),
    ...limits(options),
    ...chosenNodeFlags(options),
    ...schedulerChoice(options),
    ...serviceRanges(options),
    ...(options.legacyApis ? { legacyApis: true } : {}),
    ...(options.enableBootstrapTokenAuth ? { bootstrapTokens: true } : {}),
  }
}

const wantedRanges = (options: UpOptions): { readonly services?: string } => {
  serviceRanges(options)
  const services = ipv4Range(options)
  return services === undefined ? {} : { services }
}

/** A cluster that is stopped has its ranges nowhere but in its record, and wants them back. */
const rangesOfOthers = (name: string): readonly string[] =>
  allRecords()
    .filter(({ record }) => record.name !== name && hasRealNodes(record))
    .flatMap(({ record }) => Object.values(record.ranges) as string[])

const nodeCount = (count: number): number => {
  if (!Number.isInteger(count) || count < 1 || count > 200) throw new UserError('--nodes takes a whole number from 1 to 200')
  return count
}

/** What was asked for of features and versions, refused here in upstream's words before anything starts. */
const features = ({ featureGates, runtimeConfig }: UpOptions): Pick<ClusterRecord, 'featureGates' | 'runtimeConfig'> => {
  const checked = (check: () => unknown, say: (text: string) => string): void => {
    try {
      check()
    } catch (error) {
      throw new UserError(say((error as Error).message))
    }
  }
  if (featureGates !== undefined)
    checked(
      () => gatesOf(featureGates),
      (text) => `invalid argument ${JSON.stringify(featureGates)} for "--feature-gates" flag: ${text}`,
    )
  if (runtimeConfig !== undefined)
    checked(
      () => resolveRuntimeConfig(parseRuntimeConfig(runtimeConfig), resourceFacts),
      (text) => text,
    )
  return { ...(featureGates !== undefined ? { featureGates } : {}), ...(runtimeConfig !== undefined ? { runtimeConfig } : {}) }
}

const limits = (options: UpOptions, held?: ClusterRecord): Pick<ClusterRecord, 'requestLimits'> => {
  const chosen = requestLimits(options, held?.requestLimits)
  return chosen ? { requestLimits: chosen } : {}
}

/** The nodes there are, and further ones. */
const nodesUpTo = (count: number, held: readonly NodeRecord[], cluster: string, real: boolean): readonly NodeRecord[] => [
  ...held,
  ...Array.from({ length: count - held.length }, (_, index) => {
    const number = held.length + index + 1
    return { name: nodeName(number, cluster, real), number }
  }),
]

/** The first node is the host and carries its name, as far as that is a node's name, and no name of a further node. */
const nodeName = (number: number, cluster: string, real: boolean): string => {
  const host = hostname().toLowerCase()
  if (number === 1 && real && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(host) && !/node-\d+$/.test(host)) return host
  return cluster === 'default' ? `node-${number}` : `${cluster}-node-${number}`
}

const chooseRuntime = (options: UpOptions, tell: Tell): RuntimeName => {
  const { runtime } = options
  if (runtime !== undefined && runtime !== 'containerd' && runtime !== 'simulated')
    throw new UserError(`there is no runtime ${JSON.stringify(runtime)}; choose containerd or simulated`)
  const able = isRoot() && process.platform === 'linux'
  if (runtime === 'containerd' && !able && !options.controlPlaneOnly)
    throw new UserError('real containers need root on Linux; use sudo, or --runtime simulated')
  if (runtime !== undefined) return runtime
  if (able) return 'containerd'
  if (!options.controlPlaneOnly && options.simulatedNodes === undefined && options.simulation === undefined)
    tell(
      `${process.platform === 'linux' ? 'not root' : 'not Linux'}: containers are simulated (nothing really runs in them); real ones need root on Linux`,
    )
  return 'simulated'
}

const plural = (count: number): string => `${count} node${count === 1 ? '' : 's'}`

/** A stopped cluster with what `up` asks for now. What cannot be changed is refused, never passed over. */
export const withChanges = (held: ClusterRecord, options: UpOptions): ClusterRecord => {
  const { server: _server, ready: _ready, ...record } = held
  refuseOtherKind(held, options)
  const count = options.nodes === undefined ? held.nodes.length : nodeCount(options.nodes)
  if (count < held.nodes.length)
    throw new UserError(
      `cluster ${held.name} has ${plural(held.nodes.length)}, and nodes can only be added; \`skiff node stop\` stops one, \`skiff down --name ${held.name}\` begins anew`,
    )
  return {
    ...record,
    ...changeSimulation(held, options),
    apiPort: options.apiPort ?? held.apiPort,
    nodes: nodesUpTo(count, held.nodes, held.name, hasRealNodes(held)),
    controllers: options.controllers?.split(',') ?? held.controllers,
    ...features(options),
    ...limits(options, held),
    ...chosenNodeFlags(options, held.nodeFlags),
    ...schedulerChoice(options, options.featureGates ?? held.featureGates),
    ...changedRanges(held, options),
    ...(options.legacyApis === undefined ? {} : { legacyApis: options.legacyApis }),
    ...(options.enableBootstrapTokenAuth === undefined ? {} : { bootstrapTokens: options.enableBootstrapTokenAuth }),
  }
}

/** A running cluster is not changed. */
export const refuseChanges = (held: ClusterRecord, options: UpOptions): void => {
  refuseOtherKind(held, options)
  const refuse = (has: string, option: string): never => {
    throw new UserError(
      `cluster ${held.name} runs with ${has}; \`skiff down --keep-data --name ${held.name}\` first, then \`skiff up --name ${held.name} ${option}\``,
    )
  }
  const { nodes, apiPort, controllers, featureGates, runtimeConfig } = options
  features(options)
  if (nodes !== undefined && nodeCount(nodes) < held.nodes.length) withChanges(held, options)
  if (nodes !== undefined && nodes !== held.nodes.length) refuse(plural(held.nodes.length), `--nodes ${nodes}`)
  if (apiPort !== undefined && apiPort !== held.apiPort) refuse(`port ${held.apiPort}`, `--api-port ${apiPort}`)
  const simulation = changeSimulation(held, options)
  if (simulation.simulatedNodes !== held.simulatedNodes)
    refuse(`${held.simulatedNodes} simulated nodes`, `--simulated-nodes ${simulation.simulatedNodes}`)
  if (simulation.simulation !== held.simulation) refuse('another simulation file', `--simulation ${options.simulation}`)
  const list = held.controllers.join(',')
  if (controllers !== undefined && controllers !== list) refuse(`--controllers ${list}`, `--controllers ${controllers}`)
  const differs = (option: string, asked: string | undefined, has = '') => {
    if (asked !== undefined && asked !== has) refuse(has === '' ? `no ${option}` : `${option} ${has}`, `${option} ${asked || "''"}`)
  }
  differs('--feature-gates', featureGates, held.featureGates)
  differs('--runtime-config', runtimeConfig, held.runtimeConfig)
  const chosen = schedulerChoice(options, options.featureGates ?? held.featureGates)
  differs('--scheduler-config', chosen.schedulerConfig, held.schedulerConfig)
  differs('--scheduler-plugins', chosen.schedulerPlugins?.join(), held.schedulerPlugins?.join())
  const limit = differingLimit(options, held.requestLimits)
  if (limit !== undefined) refuse('other limits of requests', limit)
  chosenNodeFlags(options)
  const patience = differingNodeFlag(options, held.nodeFlags)
  if (patience !== undefined) refuse('another patience with nodes', patience)
  changedRanges(held, options)
  differs('--service-cluster-ip-range', options.serviceClusterIpRange, serviceRangeOf(held))
  differs('--service-node-port-range', options.serviceNodePortRange, held.nodePortRange)
  const { legacyApis } = options
  if (legacyApis !== undefined && legacyApis !== (held.legacyApis ?? false))
    refuse(legacyApis ? "today's API versions alone" : '--legacy-apis', legacyApis ? '--legacy-apis' : '--no-legacy-apis')
  const { enableBootstrapTokenAuth: tokens } = options
  if (tokens !== undefined && tokens !== (held.bootstrapTokens ?? false))
    refuse(`${tokens ? 'no ' : ''}bootstrap tokens`, `--${tokens ? '' : 'no-'}enable-bootstrap-token-auth`)
}

/** What a cluster is from its beginning to its end. */
const refuseOtherKind = (held: ClusterRecord, options: UpOptions): void => {
  const anew = `\`skiff down --name ${held.name}\` begins anew, and another --name makes a second cluster`
  if (options.controlPlaneOnly && !held.controlPlaneOnly) throw new UserError(`cluster ${held.name} was made with nodes; ${anew}`)
  const asksSimulated = options.simulatedNodes !== undefined || options.simulation !== undefined
  if (asksSimulated && held.simulatedNodes === undefined)
    throw new UserError(`cluster ${held.name} was made without simulated nodes; ${anew}`)
  if (held.simulatedNodes !== undefined) chooseSimulation({ ...options, simulatedNodes: held.simulatedNodes, simulation: undefined })
  else if (held.controlPlaneOnly) {
    if (options.nodes !== undefined) throw new UserError(`cluster ${held.name} was made with --control-plane-only, without nodes; ${anew}`)
  } else if (options.runtime !== undefined && options.runtime !== held.runtime)
    throw new UserError(`cluster ${held.name} was made with --runtime ${held.runtime}; ${anew}`)
}

const usualPort = 6443

/**
 * The usual port, unless another cluster of this machine has it or a program listens there: then 0, and the server takes any free
 * one. A port that was named, or that the cluster had before, must be free.
 */
export const choosePort = async (record: ClusterRecord): Promise<ClusterRecord> => {
  const { apiPort, name } = record
  if (apiPort === 0) {
    const others = allRecords().filter((one) => one.record.name !== name)
    const free = others.every((one) => one.record.apiPort !== usualPort) && (await portFree(usualPort))
    return free ? { ...record, apiPort: usualPort } : record
  }
  if (!Number.isInteger(apiPort) || apiPort < 1 || apiPort > 65535) throw new UserError('--api-port takes a whole number from 1 to 65535')
  if (!(await portFree(apiPort))) throw new UserError(portTaken(apiPort))
  return record
}

export const portTaken = (port: number): string => `port ${port} is taken by another program; choose another with --api-port`

const portFree = (port: number): Promise<boolean> =>
  new Promise((done) => {
    const probe = createServer()
    probe.once('error', () => done(false))
    probe.listen(port, '0.0.0.0', () => probe.close(() => done(true)))
  })
