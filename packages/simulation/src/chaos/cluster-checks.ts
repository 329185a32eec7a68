import type { Node } from '@skiff/api'
import { controllerOf, type KubeObject, keyOf } from '@skiff/machinery'
import { complaints } from '@skiff/scheduler'
import { type Check, type ClusterState, differences, isOver, isReady } from './cluster-state.ts'
import { fastNodes } from './constraints.ts'
import { neededBy } from './watch/evictions.ts'

const everything = (state: ClusterState): readonly KubeObject[] =>
  Object.values(state).flatMap((part): readonly KubeObject[] => (Array.isArray(part) ? (part as KubeObject[]) : []))

const byKey = <T extends KubeObject>(objects: readonly T[]): ReadonlyMap<string, T> => new Map(objects.map((each) => [keyOf(each), each]))

const named = (object: KubeObject): string => `${object.kind} ${keyOf(object)}`

const nothingLingers: Check = (state) => {
  const all = everything(state)
  const uids = new Set(all.map(({ metadata }) => metadata.uid))
  return all.flatMap((each) => {
    const owner = controllerOf(each)
    const isKnown = !owner || owner.kind === 'Node' || uids.has(owner.uid)
    return [
      ...(each.metadata.deletionTimestamp
        ? [`${named(each)} is on its way out, held by ${each.metadata.finalizers?.join() ?? 'nobody'}`]
        : []),
      ...(isKnown ? [] : [`${named(each)} has lost its owner`]),
      ...(each.metadata.namespace === 'gone' ? [`${named(each)} is left in a namespace that was deleted`] : []),
      ...(each.kind === 'Namespace' && each.metadata.name === 'gone' ? ['the namespace gone is there'] : []),
    ]
  })
}

const taintsOf = (taints: Node['spec']['taints'] = []): string => taints.map(({ key, effect }) => `${key}:${effect}`).join()

const nodes: Check = (state) =>
  state.nodes.flatMap(({ metadata, spec, status }) => {
    const isWell = status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
    return [
      ...(isWell ? [] : [`node ${metadata.name} is not ready`]),
      ...(taintsOf(spec.taints) === taintsOf(metadata.labels?.disk === 'fast' ? fastNodes.taints : [])
        ? []
        : [`node ${metadata.name} has taints: ${taintsOf(spec.taints)}`]),
    ]
  })

const pods: Check = ({ pods, nodes }) => {
  const names = new Set(nodes.map(({ metadata }) => metadata.name))
  const addresses = new Map<string, string>()
  return pods.flatMap((pod) => {
    const wrong: string[] = []
    if (!pod.spec.nodeName) wrong.push(`pod ${keyOf(pod)} waits for a node`)
    else if (!names.has(pod.spec.nodeName)) wrong.push(`pod ${keyOf(pod)} is on ${pod.spec.nodeName}, which is not there`)
    if (isOver(pod) || !pod.status?.podIP) return wrong
    const other = addresses.get(pod.status.podIP)
    if (other) wrong.push(`pods ${keyOf(pod)} and ${other} share the address ${pod.status.podIP}`)
    addresses.set(pod.status.podIP, keyOf(pod))
    return wrong
  })
}

/** What a placement must not have broken, and nothing that comes later can; who left, or a taint that came, may break the rest. */
const lasting = new Set(['cpu', 'memory', 'pods', 'host port', 'anti-affinity', 'node selector or affinity'])

const placements: Check = ({ pods, nodes, namespaces, claims, volumes }) => {
  const placed = pods.filter((pod) => pod.spec.nodeName && !isOver(pod))
  const facts = {
    nodes,
    namespaces: new Map(namespaces.map(({ metadata }) => [metadata.name, metadata.labels ?? {}])),
    claims: byKey(claims),
    volumes: byKey(volumes),
    classes: new Map(),
    csiNodes: new Map(),
  }
  return placed.flatMap((pod) => {
    const node = nodes.find(({ metadata }) => metadata.name === pod.spec.nodeName)
    const broken = node ? complaints(pod, node, { ...facts, placed: placed.filter((other) => other !== pod) }) : []
    return broken.filter((why) => lasting.has(why)).map((why) => `pod ${keyOf(pod)} is on ${pod.spec.nodeName} against: ${why}`)
  })
}

const services: Check = ({ services, endpoints, slices, pods }) =>
  services
    .filter(({ spec }) => spec.selector?.app)
    .flatMap((each) => {
      const { name, namespace } = each.metadata
      const selected = pods.filter((pod) => pod.metadata.namespace === namespace && pod.metadata.labels?.app === each.spec.selector?.app)
      const ready = selected.flatMap((pod) => (isReady(pod) && !isOver(pod) ? (pod.status?.podIP ?? []) : []))
      const should = ready.sort().join()
      const inSlices = slices
        .filter(({ metadata }) => metadata.namespace === namespace && metadata.labels?.['kubernetes.io/service-name'] === name)
        .flatMap((slice) => slice.endpoints ?? [])
        .flatMap(({ addresses, conditions }) => (conditions?.ready ? addresses : []))
      const old = endpoints.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace)
      const inEndpoints = (old?.subsets ?? []).flatMap(({ addresses = [] }) => addresses.map(({ ip }) => ip))
      return [
        ...(inSlices.sort().join() === should ? [] : [`the slices of ${keyOf(each)} have ${inSlices.join()} and not ${should}`]),
        ...(inEndpoints.sort().join() === should ? [] : [`the endpoints of ${keyOf(each)} have ${inEndpoints.join()} and not ${should}`]),
      ]
    })

const budgets: Check = ({ budgets, pods, deployments, statefulSets }) =>
  budgets.flatMap((budget) => {
    const { metadata, spec, status } = budget
    const own = pods.filter(
      (pod) => pod.metadata.namespace === metadata.namespace && pod.metadata.labels?.app === spec.selector?.matchLabels?.app,
    )
    const healthy = own.filter((pod) => isReady(pod)).length
    const needed = neededBy(budget, { deployments: byKey(deployments), statefulSets: byKey(statefulSets) })
    return differences(`budget ${metadata.namespace}/${metadata.name}`, status, {
      ...{ observedGeneration: metadata.generation, currentHealthy: healthy },
      ...{ expectedPods: own.length > 0 ? needed.expected : 0 },
      ...{ disruptionsAllowed: needed.expected > 0 ? Math.max(0, healthy - needed.desired) : 0 },
    })
  })

const quotas: Check = ({ quotas, pods, services }) =>
  quotas.flatMap(({ metadata: { namespace }, status }) => {
    const live = pods.filter((pod) => pod.metadata.namespace === namespace && !isOver(pod)).length
    const should = { pods: `${live}`, services: `${services.filter(({ metadata }) => metadata.namespace === namespace).length}` }
    return Object.entries(should).flatMap(([what, count]) =>
      status?.used?.[what] === count ? [] : [`the quota of ${namespace} counts ${status?.used?.[what]} ${what} and not ${count}`],
    )
  })

const volumes: Check = ({ volumes, claims }) =>
  claims.flatMap((claim) => {
    const volume = volumes.find(({ metadata }) => metadata.name === claim.spec.volumeName)
    if (claim.status?.phase !== 'Bound') return []
    const others = claims.filter((other) => other !== claim && other.spec.volumeName === claim.spec.volumeName)
    return [
      ...(volume?.spec.claimRef?.uid === claim.metadata.uid ? [] : [`the volume of claim ${keyOf(claim)} is another's`]),
      ...others.map((other) => `claims ${keyOf(claim)} and ${keyOf(other)} have one volume`),
    ]
  })

export const clusterChecks: readonly Check[] = [nothingLingers, nodes, pods, placements, services, budgets, quotas, volumes]
