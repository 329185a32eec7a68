import type { Pod } from '@skiff/api'
import type { Decision } from '../../cycle/decide.ts'
import type { Attempt, Diagnosis } from '../../cycle/framework.ts'
import { type PodInfo, podInfoOf } from '../../snapshot/pod-info.ts'
import { still } from '../decisions.ts'
import { complaints } from '../hard-constraints.ts'
import { createHappenings } from './happenings.ts'
import { createLedger } from './ledger.ts'
import { seededCluster } from './seeded-cluster.ts'
import { createVictimChecks, mayBeOverlooked, withPromised } from './victim-checks.ts'

type Placed = Extract<Decision, { readonly placed: unknown }>

export interface SeededResult {
  readonly wrong: readonly string[]
  readonly placements: number
  readonly refusals: number
  readonly preemptions: number
}

/**
 * Schedules a seeded cluster's pods one after the other, while nodes and pods come, go and change, and judges each decision by the
 * oracle: whoever is placed may be there, and whoever is refused may be nowhere.
 */
export const seededRun = async (seed: number): Promise<SeededResult> => {
  const seeded = seededCluster(seed)
  const ledger = createLedger(seeded)
  const { profile, decider, nominations, cluster } = still(seeded.nodes, [], [], { seed, views: ledger.views, client: ledger.client })
  const { snapshot } = cluster
  const wrong: string[] = []
  const infos = new Map<string, PodInfo>()
  const counts = { placements: 0, refusals: 0, preemptions: 0 }
  const happenings = createHappenings({ seeded, ledger, snapshot, infos })
  const nominees = new Map<string, { readonly pod: Pod; readonly node: string }>()
  /** As things are, and as if those were there who were promised room on the node and are not less important. */
  const judge = (pod: Pod, nodeName: string, facts = ledger.facts()): string[] => {
    const node = ledger.nodes.get(nodeName)
    if (!node) return ['no such node']
    const promised = [...nominees.values()].filter(
      (each) => each.node === nodeName && each.pod !== pod && (each.pod.spec.priority ?? 0) >= (pod.spec.priority ?? 0),
    )
    const there = promised.map((each) => ({ ...each.pod, spec: { ...each.pod.spec, nodeName } }))
    const alone = complaints(pod, node, facts)
    if (alone.length > 0 || there.length === 0) return alone
    const together = complaints(pod, node, { ...facts, placed: [...facts.placed, ...there] })
    return together.map((why) => `${why}${withPromised}`)
  }
  const victimChecks = createVictimChecks({ seeded, ledger, judge })

  const place = async (pod: Pod, info: PodInfo, { plugins, placed }: Placed): Promise<void> => {
    const { name, slot } = placed
    for (const why of judge(pod, name).filter((why) => why !== mayBeOverlooked)) wrong.push(`${pod.metadata.name} on ${name}: ${why}`)
    for (const { run } of plugins) {
      const verdict = run.reserve?.(slot)
      if (verdict) wrong.push(`${pod.metadata.name} on ${name}: reserve says ${verdict.reasons.join()}`)
    }
    snapshot.addPod(info, name)
    infos.set(info.uid, info)
    ledger.placed.set(info.uid, { ...pod, spec: { ...pod.spec, nodeName: name } })
    nominations.clear(info.uid)
    nominees.delete(info.uid)
    counts.placements += 1
    for (const { run } of plugins) await run.preBind?.(name)
  }
  const refuse = (pod: Pod, info: PodInfo, diagnosis: Diagnosis): readonly PodInfo[] => {
    counts.refusals += 1
    for (const name of ledger.nodes.keys()) {
      if (judge(pod, name).length > 0) continue
      const slot = snapshot.named(name)?.slot ?? -1
      const said = (diagnosis.atBegin ?? diagnosis.verdicts.get(slot))?.reasons.join()
      wrong.push(`${pod.metadata.name} kept off ${name}: ${said}`)
    }
    const before = nominees.get(info.uid)
    const attempt = profile.postFilter[0]?.postFilter?.(info, diagnosis) as Attempt
    if (attempt.nominate !== undefined) nominees.delete(info.uid)
    wrong.push(...victimChecks(pod, attempt, before?.node))
    if (!attempt.nominate) return []
    for (const { uid } of attempt.unpromised ?? []) nominees.delete(uid)
    nominees.set(info.uid, { pod, node: attempt.nominate })
    counts.preemptions += 1
    return attempt.victims ?? []
  }

  const queue = [...seeded.pods]
  const tries = new Map<string, number>()
  for (let pod = queue.shift(); pod; pod = queue.shift()) {
    const info = podInfoOf(pod)
    const blocked = profile.preEnqueue.some((plugin) => plugin.preEnqueue?.(info) !== undefined)
    if (blocked !== (pod.spec.schedulingGates ?? []).length > 0)
      wrong.push(`${pod.metadata.name}: its gates are ${blocked ? '' : 'not '}kept`)
    if (!blocked) {
      const decision = decider.decide(info)
      if ('placed' in decision) await place(pod, info, decision)
      else {
        const victims = refuse(pod, info, decision.refused)
        happenings.evict(victims)
        const tried = tries.get(info.uid) ?? 0
        tries.set(info.uid, tried + 1)
        if (victims.length > 0 && tried < 3) queue.push(pod)
        else if (nominees.delete(info.uid)) nominations.clear(info.uid)
      }
    }
    happenings.next()
  }
  return { wrong: wrong.map((text) => `seed ${seed}: ${text}`), ...counts }
}
