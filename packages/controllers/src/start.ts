import { type Client, campaign, createViews, type Views } from '@skiff/client'
import type { Env, Family } from '@skiff/machinery'
import { allControllers, type Surroundings } from './catalogue.ts'
import { isEnabled } from './names.ts'
import type { Controller } from './runner/controller.ts'
import type { Metrics } from './runner/metrics.ts'
import { type RunningController, runController } from './runner/runner.ts'
import { workFamilies } from './runner/work-metrics.ts'

export interface ControllersOptions extends Surroundings {
  /** Near, so that each controller can speak as its own account. */
  readonly client: Client
  readonly env: Env
  /** Shared with others in this process; left open by `stop`. Absent: own ones, as the controller manager. */
  readonly views?: Views
  /** As upstream's --controllers: '*', 'name', '-name'. */
  readonly enabled: readonly string[]
  /** Given, controllers only run while this holder leads; several processes may then be started. */
  readonly election?: { readonly holder: string; readonly namespace?: string; readonly name?: string }
}

export interface RunningControllers {
  stop(): Promise<void>
  /** By controller name; empty while another process leads. */
  metrics(): Readonly<Record<string, Readonly<Metrics>>>
  /** The work queues of those that run, by upstream's names. */
  families(): readonly Family[]
  /** Keys that wait or are in work in all controllers: 0 when everything seen is acted upon. */
  readonly busy: number
}

const managerIdentity = { name: 'system:kube-controller-manager', groups: ['system:authenticated'] }

/** The identity that a controller acts under: its service account in kube-system, or a user where it names one. */
const identityOf = ({ account }: Controller) =>
  account.includes(':')
    ? { name: account, groups: ['system:authenticated'] }
    : {
        name: `system:serviceaccount:kube-system:${account}`,
        groups: ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated'],
      }

/** Starts every enabled controller, at once or whenever this process leads. Resolves when they run or the election does. */
export const startControllers = async (options: ControllersOptions): Promise<RunningControllers> => {
  const { client, env, enabled, election } = options
  const views = options.views ?? createViews(client.as(managerIdentity), env)
  const chosen = allControllers(options).filter(({ name }) => isEnabled(name, enabled))
  let running: RunningController[] = []
  const startAll = (): void => {
    running = chosen.map((controller) => runController(controller, { client: client.as(identityOf(controller)), views, env }))
  }
  const stopAll = async (): Promise<void> => {
    const stopped = running
    running = []
    await Promise.all(stopped.map((one) => one.stop()))
  }
  const campaigning =
    election &&
    campaign(
      client.as(managerIdentity),
      env,
      {
        namespace: election.namespace ?? 'kube-system',
        name: election.name ?? 'kube-controller-manager',
        holder: election.holder,
        component: 'kube-controller-manager',
      },
      async () => {
        env.log.info('leads', { holder: election.holder })
        startAll()
        return stopAll
      },
    )
  if (!election) startAll()
  return {
    stop: async () => {
      await campaigning?.stop()
      await stopAll()
      if (!options.views) await views.close()
    },
    metrics: () => Object.fromEntries(running.map(({ name, metrics }) => [name, metrics])),
    families: () => workFamilies(running, env.monotonicMs()),
    get busy() {
      return running.reduce((total, one) => total + one.busy, 0)
    },
  }
}
