import { type Client, connect, discover, findConnection, type HttpOptions, openHttp, type ServedResource } from '@skiff/client'
import { type RunningControllers, startControllers, unknownController, upstreamHealth } from '@skiff/controllers'
import { type Env, systemEnv } from '@skiff/machinery'
import { uniqueHolder } from './election.ts'
import { serveHealth } from './health-server.ts'
import { stderrLog } from './journal.ts'
import { chosenNodeFlags, type NodeFlags, nodeHealthOf } from './node-flags.ts'
import { UserError } from './talk.ts'

export interface ControllersCommand extends NodeFlags {
  readonly kubeconfig?: string
  /** As upstream's --controllers, divided by commas. */
  readonly controllers?: string
  /** False: they run at once, and nobody else may. */
  readonly leaderElect?: boolean
  /** Of 127.0.0.1, for /metrics and the health checks; absent: none. */
  readonly port?: number
}

// How often it is asked anew which kinds are served, as upstream's garbage collector does.
const rediscoverMs = 30_000

/** `skiff controllers`: the controllers alone, for the cluster of a kubeconfig; they run while this process leads, until it is told to stop. */
export const controllersCommand = async (command: ControllersCommand): Promise<void> => {
  const enabled = (command.controllers ?? '*').split(',')
  const unknown = unknownController(enabled)
  if (unknown !== undefined) throw new UserError(`--controllers: ${JSON.stringify(unknown)} is not in the list of known controllers`)
  const { nodeFlags = {} } = chosenNodeFlags(command)
  const env = systemEnv(stderrLog(systemEnv().now).child('controllers'))
  const { http } = await findConnection(command.kubeconfig ? { kubeconfig: command.kubeconfig } : {}, process.env)
  const served = await followResources(http, env)
  const controllers = await startControllers({
    client: impersonating(http),
    env,
    enabled,
    resources: served.resources,
    nodeHealth: nodeHealthOf(nodeFlags, upstreamHealth),
    ...(http.ca ? { rootCa: () => String(http.ca) } : {}),
    ...(command.leaderElect === false ? {} : { election: { holder: uniqueHolder() } }),
  })
  const close = command.port === undefined ? undefined : await serveHealth({ metrics: controllers.families }, command.port)
  await toldToStop()
  await close?.()
  await stopped(controllers, served.stop)
  process.exit(0)
}

const toldToStop = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
  })

const stopped = async (controllers: RunningControllers, stopFollowing: () => void): Promise<void> => {
  stopFollowing()
  await controllers.stop()
}

/**
 * A client whose identities are those that it is asked to speak as: each controller is its own service account, by impersonation, as
 * upstream's are by --use-service-account-credentials. The user of the kubeconfig must be allowed to impersonate them.
 */
const impersonating = (http: HttpOptions): Client => {
  const handlers = new Map<string, ReturnType<typeof openHttp>['handler']>()
  const manager = { name: 'system:kube-controller-manager', groups: ['system:authenticated'] }
  return connect(
    (call) => {
      const { name } = call.identity
      const handler = handlers.get(name) ?? openHttp({ ...http, impersonate: call.identity }).handler
      handlers.set(name, handler)
      return handler(call)
    },
    manager,
    'kube-controller-manager',
  )
}

/** Which kinds are served now; asked again and again, since definitions come and go. */
const followResources = async (
  http: HttpOptions,
  env: Env,
): Promise<{ readonly resources: () => readonly ServedResource[]; readonly stop: () => void }> => {
  const connection = openHttp(http)
  const stopping = new AbortController()
  let held = (await discover(connection)).resources
  const loop = async (): Promise<void> => {
    for (;;) {
      await env.sleep(rediscoverMs, stopping.signal)
      if (stopping.signal.aborted) return
      try {
        held = (await discover(connection)).resources
      } catch (error) {
        env.log.warn('which kinds are served could not be asked', { error: String(error) })
      }
    }
  }
  void loop()
  return {
    resources: () => held,
    stop: () => {
      stopping.abort()
      connection.close()
    },
  }
}
