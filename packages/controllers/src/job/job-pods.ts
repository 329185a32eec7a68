import type { Container, Job, Pod } from '@skiff/api'
import { job as jobs } from '@skiff/api'
import type { Draft } from '@skiff/client'
import { controlledBy } from '../ownership.ts'
import { isActive, podFromTemplate } from '../pods.ts'
import { leastActive } from '../replicas/rank.ts'
import { failureAnnotations } from './index-failures.ts'
import { indexAnnotation, indexOf, isIndexed } from './indexes.ts'
import { type Tally, trackingFinalizer, waitsForEnd } from './tally.ts'

const indexVariable = 'JOB_COMPLETION_INDEX'

const withIndexVariable = (container: Container): Container => {
  if (container.env?.some((one) => one.name === indexVariable)) return container
  const source = { fieldRef: { apiVersion: 'v1', fieldPath: `metadata.labels['${indexAnnotation}']` } }
  return { ...container, env: [...(container.env ?? []), { name: indexVariable, valueFrom: source }] }
}

// What a server keeps of a prefix that it makes a name of.
const longestPrefix = 58

/** A long name of a Job is cut, its index never. */
const generateName = (name: string, index: string): string => {
  const end = `-${index}-`
  return `${name.slice(0, Math.max(0, longestPrefix - end.length))}${end}`
}

/** A pod of the Job; of an indexed one, for `index`, in place of the pod that failed last. */
export const jobPod = (job: Job, index: number | undefined, replaced: Pod | undefined): Draft<Pod> => {
  const draft = podFromTemplate(job.spec.template, controlledBy(jobs, job), job.metadata.namespace)
  const finalizers = [...(draft.metadata.finalizers ?? []), trackingFinalizer]
  if (index === undefined) return { ...draft, metadata: { ...draft.metadata, finalizers } }
  const text = String(index)
  return {
    ...draft,
    metadata: {
      ...draft.metadata,
      generateName: generateName(job.metadata.name, text),
      labels: { ...draft.metadata.labels, [indexAnnotation]: text },
      annotations: {
        ...draft.metadata.annotations,
        [indexAnnotation]: text,
        ...(job.spec.backoffLimitPerIndex === undefined ? {} : failureAnnotations(job, replaced)),
      },
      finalizers,
    },
    spec: {
      ...draft.spec,
      hostname: `${job.metadata.name}-${text}`,
      containers: draft.spec.containers.map(withIndexVariable),
      ...(draft.spec.initContainers ? { initContainers: draft.spec.initContainers.map(withIndexVariable) } : {}),
    },
  }
}

/** How many pods should run now. */
export const wantedActive = (job: Job, tally: Tally): number => {
  const parallelism = job.spec.parallelism ?? 1
  // Once one has succeeded, what runs may run on.
  if (job.spec.completions === undefined) return tally.succeeded > 0 ? tally.active.length : parallelism
  return Math.min(parallelism, Math.max(0, job.spec.completions - tally.succeeded - (tally.failedIndexes?.length ?? 0)))
}

/** The lowest indexes that are neither done nor worked on; without indexes, as many times nothing. */
export const nextIndexes = (job: Job, tally: Tally, mine: readonly Pod[], count: number): readonly (number | undefined)[] => {
  if (!isIndexed(job)) return Array.from({ length: count }, () => undefined)
  const taken = new Set<number | undefined>([...tally.doneIndexes, ...(tally.failedIndexes ?? [])])
  for (const pod of mine) if (isActive(pod) || (waitsForEnd(job) && pod.metadata.deletionTimestamp !== undefined)) taken.add(indexOf(pod))
  const free: number[] = []
  for (let index = 0; index < (job.spec.completions ?? 0) && free.length < count; index += 1) if (!taken.has(index)) free.push(index)
  return free
}

/** Of an indexed Job: pods for indexes that do not exist, and all but the most useful one for each index. */
export const strayPods = (job: Job, tally: Tally): readonly Pod[] => {
  if (!isIndexed(job)) return []
  const isValid = (pod: Pod): boolean => (indexOf(pod) ?? Number.POSITIVE_INFINITY) < (job.spec.completions ?? 0)
  const byIndex = Map.groupBy(tally.active.filter(isValid), indexOf)
  return [...tally.active.filter((pod) => !isValid(pod)), ...[...byIndex.values()].flatMap((pods) => leastActive(pods).slice(0, -1))]
}
