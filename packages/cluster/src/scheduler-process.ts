import { type Client, connect, createRecorder, createViews, findConnection, overHttp, runElection } from '@skiff/client'
import { type Env, systemEnv } from '@skiff/machinery'
import {
  completeConfiguration,
  componentConfig,
  type PluginRegistry,
  type Scheduler,
  type SchedulerConfiguration,
  startScheduler,
} from '@skiff/scheduler'
import { schedulerElection, uniqueHolder } from './election.ts'
import { type ProcessCheck, type ProcessHealth, serveHealth } from './health-server.ts'
import { stderrLog } from './journal.ts'
import { schedulerChoice, schedulerSetup } from './scheduler-setup.ts'
import { UserError } from './talk.ts'

export interface RunningScheduler {
  readonly client: Client
  readonly env: Env
  readonly configuration?: SchedulerConfiguration
  readonly plugins: PluginRegistry
  /** Who this process is in the election; unique. */
  readonly holder: string
  readonly signal: AbortSignal
}
export interface SchedulerHealth extends ProcessHealth {
  readonly leads: () => boolean
}

/** Who loses the lease ends: while the process answers, there is nothing to complain of. */
const election: ProcessCheck = { name: 'leaderElection', check: () => undefined }

/**
 * Schedules for any cluster while it holds the Lease that the configuration names, or at once without an election. `done` resolves once
 * `signal` aborts or leadership is lost, when nothing is in flight any more; it rejects where the scheduler cannot start.
 */
export const runScheduler = ({
  client,
  env,
  configuration,
  plugins,
  holder,
  signal,
}: RunningScheduler): SchedulerHealth & { readonly done: Promise<void> } => {
  const { leaderElect, ...campaign } = schedulerElection(configuration)
  let scheduler: Scheduler | undefined
  let isSyncing = false
  /** Until `leading` aborts. */
  const schedule = async (leading: AbortSignal): Promise<void> => {
    const views = createViews(client, env)
    isSyncing = true
    try {
      scheduler = await startScheduler({ client, views, env, plugins, ...(configuration ? { configuration } : {}) })
      isSyncing = false
      if (!leading.aborted) await new Promise((resolve) => leading.addEventListener('abort', resolve, { once: true }))
      await scheduler.stop()
    } finally {
      scheduler = undefined
      isSyncing = false
      await views.close()
    }
  }
  const elected = async (): Promise<void> => {
    const failed = new AbortController()
    let work: Promise<void> = Promise.resolve()
    const recorder = createRecorder(client, env, { component: 'default-scheduler' })
    await runElection(client, env, {
      ...campaign,
      recorder,
      ...{ holder, signal: AbortSignal.any([signal, failed.signal]), releaseOnStop: true },
      onLeading: (leading) => {
        env.log.info('leads', { holder })
        work = schedule(leading)
        work.catch(() => failed.abort())
      },
      onNewLeader: (leader) => env.log.info('new leader elected', { identity: leader }),
    })
    await work.finally(() => recorder.close())
  }
  return {
    done: leaderElect ? elected() : schedule(signal),
    leads: () => scheduler !== undefined,
    metrics: () => scheduler?.metrics() ?? [],
    configuration: () => ({ componentconfig: componentConfig(completeConfiguration(configuration)) }),
    ...(leaderElect ? { healthy: [election] } : {}),
    ready: [
      ...(leaderElect ? [election] : []),
      { name: 'shutdown', check: () => (signal.aborted ? 'process is shutting down' : undefined) },
      // As upstream: one that waits to lead is ready.
      { name: 'sched-handler-sync', check: () => (isSyncing ? 'waiting for handlers to sync' : undefined) },
    ],
  }
}

export interface SchedulerCommand {
  readonly kubeconfig?: string
  readonly config?: string
  readonly plugins?: string
  /** Of 127.0.0.1, for /metrics and the health checks; absent: none. */
  readonly port?: number
}

/** `skiff scheduler`: the scheduler alone, for the cluster of a kubeconfig. Runs until it is told to stop, or another leads. */
export const schedulerCommand = async ({ kubeconfig, config, plugins, port }: SchedulerCommand): Promise<void> => {
  const env = systemEnv(stderrLog(systemEnv().now).child('scheduler'))
  const choice = schedulerChoice({
    name: '',
    ...(config ? { schedulerConfig: config } : {}),
    ...(plugins ? { schedulerPlugins: plugins } : {}),
  })
  const setup = await schedulerSetup(choice)
  const named = kubeconfig ?? setup.configuration?.clientConnection?.kubeconfig
  const { http } = await findConnection(named ? { kubeconfig: named } : {}, process.env)
  const client = connect(overHttp(http), { name: 'system:kube-scheduler', groups: [] }, 'kube-scheduler')
  const stopping = new AbortController()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopping.abort())
  const running = runScheduler({ client, env, ...setup, holder: uniqueHolder(), signal: stopping.signal })
  const close = port === undefined ? undefined : await serveHealth(running, port)
  try {
    await running.done
  } finally {
    await close?.()
  }
  if (!stopping.signal.aborted) throw new UserError('leaderelection lost')
  process.exit(0)
}
