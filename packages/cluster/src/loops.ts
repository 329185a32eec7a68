import { gatesOf } from '@skiff/api'
import type { ApiServer } from '@skiff/apiserver'
import { campaign, createViews, type Identity } from '@skiff/client'
import { isEnabled, startControllers, upstreamHealth } from '@skiff/controllers'
import type { Env, Family } from '@skiff/machinery'
import { type Scheduler, startScheduler } from '@skiff/scheduler'
import { schedulerElection } from './election.ts'
import { nodeHealthOf } from './node-flags.ts'
import type { ClusterRecord } from './record.ts'
import { schedulerSetup } from './scheduler-setup.ts'
import { signers } from './signers.ts'

const component = (name: string): Identity => ({ name, groups: ['system:authenticated'] })

/** Who this server is among several over one store. */
export interface Candidate {
  readonly holder: string
}

/**
 * Controllers and scheduler, each under its own identity. As a candidate each of both campaigns for its Lease and runs while it leads; without,
 * the server owns its store, nobody else can act, and they run at once. Answers what stops them.
 */
export const startLoops = async (api: ApiServer, record: ClusterRecord, env: Env, candidate?: Candidate): Promise<() => Promise<void>> => {
  const controllers = await startControllers({
    client: api.client(component('system:kube-controller-manager')),
    env: { ...env, log: env.log.child('controllers') },
    enabled: record.controllers,
    gates: gatesOf(record.featureGates ?? ''),
    ...(record.nodeFlags ? { nodeHealth: nodeHealthOf(record.nodeFlags, upstreamHealth) } : {}),
    resources: () => [...api.registry.all().filter((kind) => !kind.conversion), ...api.aggregated()],
    ...signers(api, env),
    ...(candidate ? { election: candidate } : {}),
  })
  const scheduling = isEnabled('scheduler', record.controllers) ? await startScheduling(api, record, env, candidate) : undefined
  // They live as long as this process, and answer when it does.
  if (record.controllers.some((each) => !each.startsWith('-'))) api.components.set('controller-manager', () => undefined)
  if (scheduling) api.components.set('scheduler', () => undefined)
  const told = [controllers.families, ...(scheduling ? [scheduling.metrics] : [])]
  for (const read of told) api.metrics.add(read)
  return async () => {
    api.components.clear()
    for (const read of told) api.metrics.delete(read)
    await scheduling?.stop()
    await controllers.stop()
  }
}

interface Scheduling {
  metrics(): readonly Family[]
  stop(): Promise<void>
}

const startScheduling = async (api: ApiServer, record: ClusterRecord, mainEnv: Env, candidate?: Candidate): Promise<Scheduling> => {
  const env = { ...mainEnv, log: mainEnv.log.child('scheduler') }
  const client = api.client(component('system:kube-scheduler'))
  const setup = { gates: gatesOf(record.featureGates ?? ''), ...(await schedulerSetup(record)) }
  let scheduler: Scheduler | undefined
  const lead = async (): Promise<() => Promise<void>> => {
    const views = createViews(client, env)
    const started = await startScheduler({ client, views, env, ...setup })
    scheduler = started
    return async () => {
      scheduler = undefined
      await started.stop()
      await views.close()
    }
  }
  const { leaderElect: _, ...election } = schedulerElection(setup.configuration)
  const stop = candidate ? campaign(client, env, { ...election, ...candidate, component: 'default-scheduler' }, lead).stop : await lead()
  return { stop, metrics: () => scheduler?.metrics() ?? [] }
}
