import type { Node } from '@skiff/api'
import { controllerOf, keyOf } from '@skiff/machinery'
import { type Check, differences, isOver, isReady } from './cluster-state.ts'

const deployments: Check = ({ deployments, replicaSets, podsOf }) =>
  deployments.flatMap((each) => {
    const what = `Deployment ${keyOf(each)}`
    const replicas = each.spec.replicas ?? 1
    const own = replicaSets.filter((set) => controllerOf(set)?.uid === each.metadata.uid)
    const pods = own.flatMap(podsOf)
    const rights = {
      observedGeneration: each.metadata.generation,
      ...{ replicas, readyReplicas: replicas, updatedReplicas: replicas, availableReplicas: replicas, unavailableReplicas: 0 },
    }
    return [
      ...differences(what, each.status, rights),
      ...differences(
        what,
        { pods: pods.filter((pod) => isReady(pod) && !isOver(pod)).length, all: pods.filter((pod) => !isOver(pod)).length },
        { pods: replicas, all: replicas },
      ),
      ...(own.filter((set) => (set.spec.replicas ?? 1) > 0).length > 1 ? [`${what}: several ReplicaSets have replicas`] : []),
      ...(own.length > (each.spec.revisionHistoryLimit ?? 10) + 1 ? [`${what}: ${own.length} ReplicaSets`] : []),
    ]
  })

const replicaSets: Check = ({ replicaSets, podsOf }) =>
  replicaSets.flatMap((each) => {
    const replicas = each.spec.replicas ?? 1
    const pods = podsOf(each).filter((pod) => !isOver(pod))
    return differences(
      `ReplicaSet ${keyOf(each)}`,
      { ...each.status, pods: pods.length },
      { replicas, readyReplicas: replicas, pods: replicas },
    )
  })

const statefulSets: Check = ({ statefulSets, podsOf, claims }) =>
  statefulSets.flatMap((each) => {
    const what = `StatefulSet ${keyOf(each)}`
    const { name, namespace } = each.metadata
    const replicas = each.spec.replicas ?? 1
    const first = each.spec.ordinals?.start ?? 0
    const names = Array.from({ length: replicas }, (_, i) => `${name}-${first + i}`)
    const pods = podsOf(each)
    const wrong = differences(what, each.status, {
      ...{ observedGeneration: each.metadata.generation, replicas, readyReplicas: replicas, availableReplicas: replicas },
      ...{ updatedReplicas: replicas, currentReplicas: replicas, currentRevision: each.status?.updateRevision },
    })
    const found = pods.map((pod) => pod.metadata.name).sort()
    if (found.join() !== [...names].sort().join()) wrong.push(`${what} has ${found.join() || 'no pods'} and not ${names.join()}`)
    for (const pod of pods) {
      const claimName = pod.spec.volumes?.find((volume) => volume.name === 'data')?.persistentVolumeClaim?.claimName
      if (claimName !== `data-${pod.metadata.name}`) wrong.push(`${keyOf(pod)} uses the claim ${claimName}`)
      const claim = claims.find(({ metadata }) => metadata.name === claimName && metadata.namespace === namespace)
      if (claim?.status?.phase !== 'Bound') wrong.push(`the claim ${claimName} of ${keyOf(pod)} is not bound`)
    }
    return wrong
  })

const daemonSets: Check = ({ daemonSets, nodes, podsOf }) =>
  daemonSets.flatMap((each) => {
    const what = `DaemonSet ${keyOf(each)}`
    const tolerations = each.spec.template.spec?.tolerations ?? []
    const mayBeOn = ({ spec: { taints = [] } }: Node) => taints.every(({ key }) => tolerations.some((toleration) => toleration.key === key))
    const count = nodes.filter(mayBeOn).length
    const places = podsOf(each).map((pod) => pod.spec.nodeName ?? '')
    const rights = {
      desiredNumberScheduled: count,
      currentNumberScheduled: count,
      numberReady: count,
      updatedNumberScheduled: count,
      numberMisscheduled: 0,
    }
    const wrong = differences(what, each.status, { observedGeneration: each.metadata.generation, ...rights })
    for (const node of nodes) {
      const { metadata } = node
      const there = places.filter((place) => place === metadata.name).length
      if (there !== (mayBeOn(node) ? 1 : 0)) wrong.push(`${what} has ${there} pods on ${metadata.name}`)
    }
    return wrong
  })

const jobs: Check = ({ jobs, podsOf }) =>
  jobs.flatMap((each) => {
    const what = `Job ${keyOf(each)}`
    const { completions = 1, completionMode } = each.spec
    const { conditions = [], succeeded = 0, active = 0, uncountedTerminatedPods: uncounted } = each.status ?? {}
    const wrong: string[] = []
    if (!conditions.some(({ type, status }) => type === 'Complete' && status === 'True')) wrong.push(`${what} is not complete`)
    if (succeeded !== completions || active > 0) wrong.push(`${what}: ${succeeded} of ${completions} succeeded, ${active} are active`)
    if (uncounted?.succeeded?.length || uncounted?.failed?.length) wrong.push(`${what} has pods that are not counted`)
    const indexes = completions > 1 ? `0${completions > 2 ? '-' : ','}${completions - 1}` : '0'
    if (completionMode === 'Indexed' && each.status?.completedIndexes !== indexes)
      wrong.push(`${what}: the indexes ${each.status?.completedIndexes} are complete`)
    for (const pod of podsOf(each)) {
      if (!isOver(pod)) wrong.push(`${keyOf(pod)} of ${what} is not over`)
      if (pod.metadata.finalizers?.length) wrong.push(`${keyOf(pod)} of ${what} is still tracked`)
    }
    return wrong
  })

const cronJobs: Check = ({ cronJobs, jobs }) =>
  cronJobs.flatMap((each) => {
    const own = jobs.filter((one) => controllerOf(one)?.uid === each.metadata.uid)
    const wrong = own.length > 4 ? [`CronJob ${keyOf(each)} keeps ${own.length} Jobs`] : []
    return each.status?.active?.length ? [...wrong, `CronJob ${keyOf(each)} has active Jobs`] : wrong
  })

export const workloadChecks: readonly Check[] = [deployments, replicaSets, statefulSets, daemonSets, jobs, cronJobs]
