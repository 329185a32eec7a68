import { daemonSet as daemonSetResource, node as nodeResource, pod as podResource } from '@skiff/api'
import { isRefusal, parseLabelSelector } from '@skiff/machinery'
import { type EvictOptions, evictPod } from '../drain/evict.ts'
import { controllerOf, type DrainPlan, type DrainRules, planDrain } from '../drain/pods-to-delete.ts'
import { at, type Dynamic } from '../objects/fields.ts'
import { type Info, targetOf } from '../objects/info.ts'
import { fetchInfo, listAll, readResourceWords } from '../objects/select.ts'
import { dryRunOf, patchQuery, report } from '../objects/writing.ts'
import type { Session } from '../session.ts'
import { ManyErrors, UsageError } from '../usage-error.ts'
import type { Invocation, Verb } from '../verb.ts'

const nodeFlags = ['selector|l:string', 'dry-run:string?unchanged=none']

/** The nodes that words or a selector name. */
const nodesOf = async ({ session, flags, args }: Invocation, verb: string): Promise<Info[]> => {
  const selector = flags.text('selector')
  if (args.length === 0 && !flags.has('selector')) throw new UsageError(`USAGE: ${verb} NODE [flags]`, 1, true)
  if (args.length > 0 && selector) throw new UsageError('cannot specify both a node name and a --selector option', 1, true)
  const podSelector = flags.text('pod-selector')
  if (podSelector) refuseBadSelector(podSelector)
  const typed = args.map((word) => (word.includes('/') ? word : `nodes/${word}`))
  if (!selector) {
    const infos: Info[] = []
    const { namespace } = await session.connect()
    for (const { resource, names } of await readResourceWords(session, typed))
      for (const name of names) {
        infos.push(await fetchInfo(session, { resource, name, namespace: resource.namespaced ? namespace : '' }))
        if (resource.plural !== nodeResource.plural || resource.group !== '')
          throw new UsageError(
            `expected resource of type node, got ${JSON.stringify(`${resource.apiVersion}, Resource=${resource.plural}`)}`,
          )
      }
    return infos
  }
  const resource = (await session.mapping()).resource('nodes')
  const found = await listAll(session, resource, '', { labelSelector: selector })
  return found.map((object) => ({ resource, name: object.metadata.name, namespace: '', object }))
}

const refuseBadSelector = (text: string): void => {
  try {
    parseLabelSelector(text)
  } catch {
    throw new UsageError('--pod-selector=<pod_selector> must be a valid label selector')
  }
}

const markNodes = async ({ session, flags }: Invocation, infos: readonly Info[], wanted: boolean): Promise<void> => {
  const { client } = await session.connect()
  const done = wanted ? 'cordoned' : 'uncordoned'
  for (const info of infos) {
    const object = info.object as Dynamic
    if ((at(object, 'spec.unschedulable') === true) === wanted) {
      report(session, flags, info, object, `already ${done}`)
      continue
    }
    try {
      const body = { spec: { unschedulable: wanted || null } }
      if (dryRunOf(flags) !== 'client')
        await client.patch(info.resource, targetOf(info), 'strategic', body, {
          query: patchQuery(flags, `kubectl-${wanted ? 'cordon' : 'uncordon'}`),
        })
      report(session, flags, info, object, done)
    } catch (error) {
      session.complain(`error: unable to ${wanted ? 'cordon' : 'uncordon'} node ${JSON.stringify(info.name)}: ${(error as Error).message}`)
    }
  }
}

const marking = (verb: 'cordon' | 'uncordon'): Verb => ({
  usage: 'NODE',
  flags: nodeFlags,
  run: async (invocation) => {
    await markNodes(invocation, await nodesOf(invocation, verb), verb === 'cordon')
    return 0
  },
})

export const cordon = marking('cordon')
export const uncordon = marking('uncordon')

/** Why the DaemonSets of pods cannot be read, by pod. */
const missingDaemonSets = async (session: Session, pods: readonly Dynamic[]): Promise<Map<Dynamic, string>> => {
  const { client } = await session.connect()
  const missing = new Map<Dynamic, string>()
  for (const pod of pods) {
    const owner = controllerOf(pod)
    if (owner?.kind !== 'DaemonSet') continue
    await client.get(daemonSetResource, { namespace: pod.metadata.namespace ?? '', name: owner.name }).catch((error) => {
      if (!isRefusal(error)) throw error
      missing.set(pod, error.message)
    })
  }
  return missing
}

const planNode = async ({ session, flags }: Invocation, node: string): Promise<DrainPlan> => {
  const selector = flags.text('pod-selector')
  const mapping = await session.mapping()
  const pods = await listAll(session, mapping.resource(podResource.plural), '', {
    fieldSelector: `spec.nodeName=${node}`,
    ...(selector ? { labelSelector: selector } : {}),
  })
  const rules: DrainRules = {
    force: flags.bool('force'),
    ignoreDaemonSets: flags.bool('ignore-daemonsets'),
    deleteEmptyDirData: flags.bool('delete-emptydir-data') || flags.bool('delete-local-data'),
    skipDeletedSeconds: flags.int('skip-wait-for-delete-timeout') ?? 0,
  }
  const missing = await missingDaemonSets(session, pods)
  return planDrain(pods, rules, (pod) => missing.get(pod), session.env)
}

const drainNode = async (invocation: Invocation, node: string): Promise<void> => {
  const { session, flags } = invocation
  const plan = await planNode(invocation, node)
  if (plan.errors.length > 0) throw new ManyErrors(plan.errors.map((text) => new UsageError(text)))
  if (plan.warnings) session.complain(`Warning: ${plan.warnings}`)
  if (dryRunOf(flags) === 'client') {
    for (const { metadata } of plan.goes) session.say(`evicting pod ${metadata.namespace}/${metadata.name} (dry run)`)
    return
  }
  const options: EvictOptions = {
    disableEviction: flags.bool('disable-eviction'),
    graceSeconds: flags.int('grace-period') ?? -1,
    timeoutMs: flags.durationMs('timeout') ?? 0,
    skipDeletedSeconds: flags.int('skip-wait-for-delete-timeout') ?? 0,
    serverDryRun: dryRunOf(flags) === 'server',
  }
  const ends = await Promise.allSettled(plan.goes.map((pod) => evictPod(session, pod, options)))
  const errors = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as Error] : []))
  if (errors.length === 0) return
  const failure = new ManyErrors(errors)
  const left = await planNode(invocation, node)
  if (left.goes.length > 0) {
    session.complain(`There are pending pods in node ${JSON.stringify(node)} when an error occurred: ${aggregateText(failure)}`)
    for (const { metadata } of left.goes) session.complain(`pod/${metadata.name}`)
  }
  throw failure
}

/** Several errors in one line, as Go's aggregates print. */
const aggregateText = (error: unknown): string => {
  if (!(error instanceof ManyErrors)) return (error as Error).message
  const texts = error.errors.map((each) => (each as Error).message)
  return texts.length === 1 ? (texts[0] as string) : `[${texts.join(', ')}]`
}

export const drain: Verb = {
  usage: 'NODE',
  flags: [
    ...nodeFlags,
    ...['force:bool', 'ignore-daemonsets:bool', 'delete-emptydir-data:bool', 'delete-local-data:bool', 'disable-eviction:bool'],
    ...['grace-period:int=-1', 'timeout:duration=0s', 'pod-selector:string', 'skip-wait-for-delete-timeout:int=0', 'chunk-size:int=500'],
  ],
  run: async (invocation) => {
    const { session, flags } = invocation
    const infos = await nodesOf(invocation, 'drain')
    await markNodes(invocation, infos, true)
    const drained = new Set<Info>()
    const failures: unknown[] = []
    for (const info of infos)
      try {
        await drainNode(invocation, info.name)
        drained.add(info)
        report(session, flags, info, info.object as Dynamic, 'drained')
      } catch (error) {
        session.complain(
          `error: unable to drain node ${JSON.stringify(info.name)} due to error: ${aggregateText(error)}, continuing command...`,
        )
        failures.push(...(error instanceof ManyErrors ? error.errors : [error]))
      }
    if (failures.length === 0) return 0
    session.complain('There are pending nodes to be drained:')
    for (const pending of infos) if (!drained.has(pending)) session.complain(` ${pending.name}`)
    throw new ManyErrors(failures)
  },
}
