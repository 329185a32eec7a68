import { type Client, connect, createViews, type Handler, type Identity } from '@skiff/client'
import { startControllers } from '@skiff/controllers'
import type { Env } from '@skiff/machinery'
import { startScheduler } from '@skiff/scheduler'
import { createLink, type Link } from './link.ts'

/** What can crash: it then starts anew, with nothing but what the API server knows. */
export interface Component {
  /** Ends its watches; it opens new ones. */
  cut(): void
  crash(): void
  start(): Promise<void>
  readonly isRunning: boolean
  /** Keys that wait or are in work. */
  readonly busy: number
  stop(): Promise<void>
}

interface Life {
  readonly link: Link
  readonly started: Promise<Running>
}
interface Running {
  stop(): Promise<void>
  readonly busy: number
}

const component = (handler: Handler, begin: (handler: Handler) => Promise<Running>): Component => {
  let life: Life | undefined
  let running: Running | undefined
  return {
    cut: () => life?.link.cut(),
    crash: () => {
      if (!life) return
      life.link.sever()
      // What is left of it may wind up as long as it likes: nothing of it arrives.
      void life.started.then((one) => one.stop()).catch(() => {})
      life = undefined
      running = undefined
    },
    start: async () => {
      if (life) return
      const link = createLink(handler)
      const mine = { link, started: begin(link.handler) }
      life = mine
      const started = await mine.started
      if (life === mine) running = started
    },
    get isRunning() {
      return life !== undefined
    },
    get busy() {
      return running?.busy ?? 0
    },
    stop: async () => {
      const last = life
      life = undefined
      await (await last?.started)?.stop()
    },
  }
}

const identity = (name: string): Identity => ({ name, groups: ['system:authenticated'] })

type Surroundings = Pick<Parameters<typeof startControllers>[0], 'resources' | 'rootCa'>

/** All controllers, as one process. */
export const controllersOf = (handler: Handler, env: Env, around: Surroundings): Component =>
  component(handler, (link) => {
    const client: Client = connect(link, identity('system:kube-controller-manager'))
    return startControllers({ client, env, enabled: ['*'], ...around })
  })

export const schedulerOf = (handler: Handler, env: Env): Component =>
  component(handler, async (link) => {
    const client = connect(link, identity('system:kube-scheduler'))
    const views = createViews(client, env)
    const scheduler = await startScheduler({ client, views, env })
    return {
      busy: 0,
      stop: async () => {
        await scheduler.stop()
        await views.close()
      },
    }
  })
