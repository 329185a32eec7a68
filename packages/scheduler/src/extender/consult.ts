import type { Log } from '@skiff/machinery'
import type { Decider, Decision, Search } from '../cycle/decide.ts'
import { type Cluster, unresolvable, unschedulable, type Verdict } from '../cycle/framework.ts'
import { bestOf, createScoring } from '../cycle/score.ts'
import type { PodInfo } from '../snapshot/pod-info.ts'
import type { NodeInfo } from '../snapshot/snapshot.ts'
import type { Extender } from './extender.ts'

// As upstream: no event is known to move an extender, so each may.
const byExtender = 'Extender'

interface Left {
  readonly names: readonly string[]
  readonly verdicts: ReadonlyMap<string, Verdict>
}

/** Asks one extender after the other which of the nodes it leaves. Rejects when one fails that may not be passed over. */
const filterBy = async (extenders: readonly Extender[], pod: PodInfo, nodes: readonly NodeInfo[], log: Log): Promise<Left> => {
  const verdicts = new Map<string, Verdict>()
  let left = nodes
  for (const extender of extenders) {
    if (left.length === 0) break
    if (!extender.filters) continue
    try {
      const given = await extender.filter(
        pod.pod,
        left.map(({ node }) => node),
      )
      for (const [name, text] of given.failed) verdicts.set(name, unschedulable(byExtender, text))
      for (const [name, text] of given.unresolvable) verdicts.set(name, unresolvable(byExtender, text))
      const names = new Set(given.nodes)
      // As upstream: of a node that it says nothing of, nobody knows that preemption would help.
      for (const { name } of left) if (!names.has(name) && !verdicts.has(name)) verdicts.set(name, unresolvable(byExtender))
      left = left.filter(({ name }) => names.has(name))
    } catch (error) {
      if (!extender.isIgnorable) throw error
      log.warn('an extender failed and is passed over', { extender: extender.name, error: String(error) })
    }
  }
  return { names: left.map(({ name }) => name), verdicts }
}

/** The sum of what extenders add to the nodes' scores. One that fails adds nothing. */
const prioritizeBy = async (
  extenders: readonly Extender[],
  pod: PodInfo,
  nodes: readonly NodeInfo[],
  log: Log,
): Promise<Map<string, number>> => {
  const sums = new Map<string, number>()
  const asked = extenders.filter(({ prioritizes }) => prioritizes)
  await Promise.all(
    asked.map(async (extender) => {
      try {
        const objects = nodes.map(({ node }) => node)
        for (const [name, score] of await extender.prioritize(pod.pod, objects)) sums.set(name, (sums.get(name) ?? 0) + score)
      } catch (error) {
        log.warn('an extender gave no priorities', { extender: extender.name, error: String(error) })
      }
    }),
  )
  return sums
}

/**
 * Decides on a pod together with extenders. While they answer the cluster goes on, and other pods wait: the nodes that they left are
 * asked about once more, by name, in the stretch that chooses.
 */
export const decideWith = async (decider: Decider, extenders: readonly Extender[], pod: PodInfo, cluster: Cluster): Promise<Decision> => {
  const first = await tryWith(decider.search, { decider, extenders, pod, cluster })
  // The node that was promised is asked about alone; without it the others have their turn.
  if ('placed' in first || !first.wasPromised) return first
  return tryWith((each) => decider.search(each, true), { decider, extenders, pod, cluster })
}

interface Trying {
  readonly decider: Decider
  readonly extenders: readonly Extender[]
  readonly pod: PodInfo
  readonly cluster: Cluster
}

const tryWith = async (
  search: (pod: PodInfo) => Search,
  { decider, extenders, pod, cluster }: Trying,
): Promise<Decision & { readonly wasPromised?: boolean }> => {
  const { snapshot, env } = cluster
  const searched = search(pod)
  if ('refused' in searched) return searched
  const nodes = searched.feasible.flatMap((slot) => snapshot.node(slot) ?? [])
  const { names, verdicts } = await filterBy(extenders, pod, nodes, env.log)
  const left = names.flatMap((name) => snapshot.named(name) ?? [])
  const extra = left.length > 1 ? await prioritizeBy(extenders, pod, left, env.log) : new Map<string, number>()
  const again = search(pod)
  if ('refused' in again) return again
  const refused = new Map(again.diagnosis.verdicts)
  const feasible: number[] = []
  for (const name of names) {
    const slot = snapshot.named(name)?.slot
    if (slot === undefined) continue
    const verdict = decider.fits(pod, slot)
    if (verdict) refused.set(slot, verdict)
    else feasible.push(slot)
  }
  for (const [name, verdict] of verdicts) {
    const slot = snapshot.named(name)?.slot
    if (slot !== undefined) refused.set(slot, verdict)
  }
  const wasPromised = searched.isPromised
  if (feasible.length === 0) return { refused: { ...again.diagnosis, verdicts: refused }, plugins: again.plugins, wasPromised }
  const totals = createScoring(true)(feasible, again.plugins)
  for (const [i, slot] of feasible.entries()) totals[i] = (totals[i] as number) + (extra.get(snapshot.node(slot)?.name ?? '') ?? 0)
  return { placed: snapshot.node(feasible[bestOf(totals, env.random)] as number) as NodeInfo, plugins: again.plugins }
}
