import type { Env } from '@skiff/machinery'
import type { Client } from './client.ts'
import { createRecorder } from './events.ts'
import { type ElectionOptions, runElection } from './leader.ts'

export interface CampaignOptions extends Pick<ElectionOptions, 'namespace' | 'name' | 'holder'> {
  /** Absent: short enough that another one leads within 15 s of a crash. */
  readonly leaseMs?: number
  readonly renewDeadlineMs?: number
  readonly retryMs?: number
  /** Given, events of the Lease tell who leads: their source. */
  readonly component?: string
}

/** What a leader does: started anew each time it comes to lead. Answers what ends it. */
export type Lead = () => Promise<() => Promise<void>>

export interface Campaign {
  /** Ends what runs, gives the lease up and resolves. */
  stop(): Promise<void>
}

/** A follower sees a renewal, and then its absence, up to 3.3 s late: 8 s and twice that are less than 15. */
export const quickLease = { leaseMs: 8_000, renewDeadlineMs: 5_000, retryMs: 1_500 }

/** Takes part in elections for as long as it is not stopped, and leads whenever it is elected. */
export const campaign = (client: Client, env: Env, options: CampaignOptions, lead: Lead): Campaign => {
  const stopping = new AbortController()
  const { component, ...election } = options
  const recorder = component === undefined ? undefined : createRecorder(client, env, { component })
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      let ended: Promise<void> | undefined
      const failing = new AbortController()
      const work = async (leading: AbortSignal): Promise<void> => {
        const end = await lead()
        if (!leading.aborted) await new Promise<void>((resolve) => leading.addEventListener('abort', () => resolve(), { once: true }))
        await end()
      }
      await runElection(client, env, {
        ...quickLease,
        ...election,
        ...(recorder ? { recorder } : {}),
        signal: AbortSignal.any([stopping.signal, failing.signal]),
        releaseOnStop: true,
        onLeading: (leading) => {
          ended = work(leading)
          // Who cannot do what a leader does lets another one try.
          ended.catch((error) => {
            env.log.error('what a leader does failed', { lease: options.name, error: String(error) })
            failing.abort()
          })
        },
      })
      await ended?.catch(() => {})
      if (failing.signal.aborted) await env.sleep(options.leaseMs ?? quickLease.leaseMs, stopping.signal)
    }
  }
  const running = run()
  return {
    stop: async () => {
      stopping.abort()
      await running
      await recorder?.close()
    },
  }
}
