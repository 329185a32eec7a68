import { gatesOf } from '@skiff/api'
import type { ApiServer } from '@skiff/apiserver'
import { createViews, type Identity, type Views } from '@skiff/client'
import { isEnabled, startControllers, upstreamHealth } from '@skiff/controllers'
import type { Env } from '@skiff/machinery'
import { startScheduler } from '@skiff/scheduler'
import { nodeHealthOf } from './node-flags.ts'
import type { ClusterRecord } from './record.ts'
import { schedulerSetup } from './scheduler-setup.ts'
import { signers } from './signers.ts'

const component = (name: string): Identity => ({ name, groups: ['system:authenticated'] })

/** Controllers and scheduler, each under its own identity. Answers what stops them. */
export const startLoops = async (api: ApiServer, record: ClusterRecord, env: Env): Promise<() => Promise<void>> => {
  const managed = api.client(component('system:kube-controller-manager'))
  const controllers = await startControllers({
    client: managed,
    env: { ...env, log: env.log.child('controllers') },
    enabled: record.controllers,
    gates: gatesOf(record.featureGates ?? ''),
    ...(record.nodeFlags ? { nodeHealth: nodeHealthOf(record.nodeFlags, upstreamHealth) } : {}),
    resources: () => [...api.registry.all().filter((kind) => !kind.conversion), ...api.aggregated()],
    ...signers(api, env),
  })
  const scheduling = { ...env, log: env.log.child('scheduler') }
  const client = api.client(component('system:kube-scheduler'))
  const views: Views | undefined = isEnabled('scheduler', record.controllers) ? createViews(client, scheduling) : undefined
  const scheduler = views
    ? await startScheduler({ client, views, env: scheduling, gates: gatesOf(record.featureGates ?? ''), ...(await schedulerSetup(record)) })
    : undefined
  // They live as long as this process, and answer when it does.
  if (record.controllers.some((each) => !each.startsWith('-'))) api.components.set('controller-manager', () => undefined)
  if (scheduler) api.components.set('scheduler', () => undefined)
  const told = [controllers.families, ...(scheduler ? [scheduler.metrics] : [])]
  for (const read of told) api.metrics.add(read)
  return async () => {
    api.components.clear()
    for (const read of told) api.metrics.delete(read)
    await scheduler?.stop()
    await views?.close()
    await controllers.stop()
  }
}
