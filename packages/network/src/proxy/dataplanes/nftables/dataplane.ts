import type { Env } from '@skiff/machinery'
import { run } from '../../../run.ts'
import type { Family, Route } from '../../route.ts'
import { baseVersion, VERSION_CHAIN } from './base.ts'
import { type FlowRemoval, planFlows } from './flows.ts'
import { createLedger, type Ledger } from './ledger.ts'
import { readTable } from './observe.ts'
import { planChanges, planRules } from './plan.ts'
import { printRoutes } from './print.ts'
import type { TableOptions } from './table.ts'

export interface NftablesOptions extends TableOptions {
  /** The node's network namespace; the host's own without it. */
  readonly netns?: string
}

/** Keeps one table of one namespace as the routes say. All calls may come at any time; the kernel is touched by one process at a time. */
export interface Dataplane {
  readonly family: Family
  /** The routes of one service, from now on; none removes it. Takes effect with the next flush. */
  set(service: string, routes: readonly Route[]): void
  /** Brings everything set so far into the kernel, in one transaction. Rejects when the kernel refused it, and refused all of it made anew too. */
  flush(): Promise<void>
  /** Looks whether the table is still ours and repairs it if not; true when it had to. */
  verify(): Promise<boolean>
  /** Removes the table. A later flush makes it again. */
  remove(): Promise<void>
}

export const nftablesDataplane = (options: NftablesOptions, env: Env): Dataplane => {
  const ledger = createLedger()
  const flows = flowKeeper(options, env)
  const inTurn = oneAtATime()
  /** False until the kernel is known to hold what the ledger held at the last take. */
  let known = false
  let waiting: Promise<void> | undefined

  const sync = async () => {
    const removals = flows.take()
    if (!known) await resync(ledger, options)
    else {
      const text = planChanges(ledger.take(), options)
      if (text !== '') await applyOrResync(text, ledger, options, env)
    }
    known = true
    await flows.remove(removals)
  }

  return {
    family: options.family,
    set(service, routes) {
      const mine = routes.filter((route) => route.family === options.family)
      flows.note(service, mine)
      ledger.set(service, printRoutes(mine, options.podRange))
    },
    flush() {
      // Whoever comes while a flush waits for its turn shares it: what they set is in the ledger before it starts.
      waiting ??= inTurn(async () => {
        waiting = undefined
        await sync().catch((error: unknown) => {
          known = false
          throw error
        })
      })
      return waiting
    },
    verify: () =>
      inTurn(async () => {
        const ours = await run(['nft', 'list', 'chain', options.family, options.name, VERSION_CHAIN], options)
        if (ours.code === 0 && ours.stdout.includes(`"${baseVersion(options)}"`)) return false
        await resync(ledger, options)
        known = true
        return true
      }),
    remove: () =>
      inTurn(async () => {
        known = false
        const table = `${options.family} ${options.name}`
        await apply(`add table ${table}\ndelete table ${table}\n`, options)
      }),
  }
}

const applyOrResync = async (text: string, ledger: Ledger, options: NftablesOptions, env: Env): Promise<void> => {
  try {
    await apply(text, options)
  } catch (error) {
    env.log.warn('the kernel refused an update of service rules; comparing all of them', { error: String(error) })
    await resync(ledger, options)
  }
}

/** Observes the kernel's table and applies the whole difference; makes the table anew when even that is refused. */
const resync = async (ledger: Ledger, options: NftablesOptions): Promise<void> => {
  ledger.take()
  const listed = await run(['nft', '-j', 'list', 'table', options.family, options.name], options)
  const observed = listed.code === 0 ? readTable(listed.stdout, options) : undefined
  if (observed !== undefined) {
    const text = planRules(observed, ledger.table(), options)
    if (text === '') return
    const applied = await apply(text, options).then(
      () => true,
      () => false,
    )
    if (applied) return
  }
  await apply(planRules(undefined, ledger.table(), options), options)
}

const apply = async (text: string, { netns }: NftablesOptions): Promise<void> => {
  const { code, stderr } = await run(['nft', '-f', '-'], { netns, input: text })
  if (code !== 0) throw new Error(`nft: ${stderr.trim().split('\n').slice(0, 4).join(' / ') || `exit code ${code}`}`)
}

/** Remembers what each service's routes were at the last take, to know whose tracked flows must go. */
const flowKeeper = (options: NftablesOptions, env: Env) => {
  const current = new Map<string, readonly Route[]>()
  const before = new Map<string, readonly Route[]>()
  return {
    note(service: string, routes: readonly Route[]) {
      if (!before.has(service)) before.set(service, current.get(service) ?? [])
      if (routes.length === 0) current.delete(service)
      else current.set(service, routes)
    },
    take(): FlowRemoval[] {
      const removals = [...before].flatMap(([service, old]) => planFlows(old, current.get(service) ?? []))
      before.clear()
      return removals
    },
    async remove(removals: readonly FlowRemoval[]) {
      for (const removal of removals) {
        // Code 1 says that no flow matched, which is the ordinary case.
        const { code, stderr } = await run(['conntrack', ...removal], options)
        if (code !== 0 && code !== 1) return env.log.warn('stale UDP flows could not be removed', { error: stderr.trim() })
      }
    },
  }
}

const oneAtATime = () => {
  let last: Promise<unknown> = Promise.resolve()
  return <T>(act: () => Promise<T>): Promise<T> => {
    const next = last.then(act, act)
    last = next.catch(() => {})
    return next
  }
}
