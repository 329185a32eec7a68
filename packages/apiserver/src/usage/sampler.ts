import type { Env } from '@skiff/machinery'
import type { NodeDirectory } from '../parts/node-directory.ts'
import type { NodeUsage } from './node-usage.ts'

/** Two looks at a node: rates come of the difference. */
export interface Samples {
  readonly before: NodeUsage
  readonly after: NodeUsage
}

export interface Sampler {
  /** The newest samples of each node that answers. Looks first where those held are older than 15 s. */
  of(nodeNames: Iterable<string>): Promise<ReadonlyMap<string, Samples>>
}

// As often as a metrics server looks.
const freshMs = 15_000
// As long as the first answer waits for its second look, and how old the first look of a rate may be.
const firstMs = 1_000
const oldestMs = 120_000
const timeoutMs = 5_000
const lookersAtOnce = 64

interface Look {
  readonly usage: NodeUsage
  readonly atMs: number
}
interface Held {
  before?: Look
  after?: Look
  running?: Promise<void> | undefined
}

/**
 * Looks at nodes when somebody asks, and not otherwise: a cluster whose metrics nobody reads spends nothing on them. A node without
 * a recent look is looked at twice, a second apart.
 */
export const createSampler = (nodes: NodeDirectory, env: Env): Sampler => {
  const held = new Map<string, Held>()

  const look = async (name: string): Promise<Look | undefined> => {
    const connection = nodes.connection(name)
    if (!connection) return undefined
    const deadline = new AbortController()
    try {
      const usage = await Promise.race([connection.usage(), env.sleep(timeoutMs, deadline.signal).then(() => undefined)])
      return usage && { usage, atMs: env.monotonicMs() }
    } catch (error) {
      env.log.debug('a node did not tell its use', { node: name, error: String(error) })
      return undefined
    } finally {
      deadline.abort()
    }
  }
  const take = async (name: string, state: Held): Promise<void> => {
    const taken = await look(name)
    if (!taken) {
      held.delete(name)
      return
    }
    if (state.after && taken.atMs - state.after.atMs < oldestMs) state.before = state.after
    else delete state.before
    state.after = taken
  }
  const renew = async (name: string, state: Held): Promise<void> => {
    if (state.after && state.before && env.monotonicMs() - state.after.atMs < freshMs) return
    await take(name, state)
    if (state.before || !state.after) return
    await env.sleep(firstMs)
    await take(name, state)
  }
  /** Of those who ask at once one looks. */
  const renewed = (name: string): Promise<void> => {
    const state: Held = held.get(name) ?? {}
    held.set(name, state)
    state.running ??= renew(name, state).finally(() => {
      state.running = undefined
    })
    return state.running
  }
  return {
    of: async (nodeNames) => {
      const names = [...new Set(nodeNames)]
      const waiting = names.values()
      await Promise.all(
        Array.from({ length: Math.min(lookersAtOnce, names.length) }, async () => {
          for (const name of waiting) await renewed(name)
        }),
      )
      const found = new Map<string, Samples>()
      for (const name of names) {
        const { before, after } = held.get(name) ?? {}
        if (before && after) found.set(name, { before: before.usage, after: after.usage })
      }
      return found
    },
  }
}
