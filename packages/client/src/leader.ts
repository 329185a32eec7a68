import type { Lease, LeaseSpec } from '@skiff/api'
import { lease as leases } from '@skiff/api'
import type { Env } from '@skiff/machinery'
import { isRefusal, rfc3339Micro } from '@skiff/machinery'
import type { Client } from './client.ts'
import type { EventRecorder } from './events.ts'

export interface ElectionOptions {
  readonly namespace: string
  readonly name: string
  /** Who we are; unique a process (upstream: host name and a uid). */
  readonly holder: string
  /** How long others wait after our last renewal before they take over. */
  readonly leaseMs?: number
  /** How long we try to renew before we give up; less than `leaseMs`, so that two never lead at once. */
  readonly renewDeadlineMs?: number
  readonly retryMs?: number
  /** Gives the lease up when `signal` aborts, so that the next one need not wait. */
  readonly releaseOnStop?: boolean
  readonly signal: AbortSignal
  /** Leads until `leading` aborts; the election ends when leadership is lost. */
  readonly onLeading: (leading: AbortSignal) => void
  readonly onNewLeader?: (holder: string) => void
  /** Tells, as events of the Lease, who came to lead and who stopped. */
  readonly recorder?: EventRecorder
}

interface Observed {
  readonly spec: LeaseSpec
  /** When we saw this content first, on our own clock: clocks of holders are never compared. */
  readonly sinceMs: number
}

/**
 * Takes part in an election by Lease with upstream's rules (15 s lease, 10 s to renew, 2 s between tries).
 * Resolves when leadership was lost or `signal` aborted; the caller decides whether to run again or to end the process.
 */
export const runElection = async (client: Client, env: Env, options: ElectionOptions): Promise<void> => {
  const { namespace, name, holder, signal, leaseMs = 15_000, renewDeadlineMs = 10_000, retryMs = 2_000 } = options
  let observed: Observed | undefined
  let reported = ''
  /** As we wrote it last. */
  let held: Lease | undefined

  const observe = (spec: LeaseSpec): void => {
    observed = { spec, sinceMs: env.monotonicMs() }
  }
  const wrote = (lease: Lease): void => {
    held = lease
    observe(lease.spec)
  }
  const tell = (what: string): void => {
    if (held) options.recorder?.event(held, 'Normal', 'LeaderElection', `${holder} ${what}`)
  }
  const report = (): void => {
    const now = observed?.spec.holderIdentity ?? ''
    if (now === reported) return
    reported = now
    options.onNewLeader?.(now)
  }
  const isLeader = (): boolean => observed?.spec.holderIdentity === holder

  const tryOnce = async (abort: AbortSignal): Promise<boolean> => {
    const now = rfc3339Micro(env.now())
    const wanted: LeaseSpec = {
      holderIdentity: holder,
      leaseDurationSeconds: Math.trunc(leaseMs / 1_000),
      acquireTime: now,
      renewTime: now,
    }
    let current: Lease
    try {
      current = await client.get(leases, { namespace, name }, { signal: abort })
    } catch (error) {
      if (!isRefusal(error, 404)) throw error
      const made = await client.create(leases, { metadata: { namespace, name }, spec: { ...wanted, leaseTransitions: 0 } })
      wrote(made)
      return true
    }
    if (!observed || !sameRecord(observed.spec, current.spec)) observe(current.spec)
    const holding = current.spec.holderIdentity
    const expiresMs = (observed?.sinceMs ?? 0) + (current.spec.leaseDurationSeconds ?? leaseMs / 1_000) * 1_000
    if (holding && holding !== holder && expiresMs > env.monotonicMs()) return false
    const mine = holding === holder
    const spec: LeaseSpec = {
      ...current.spec,
      ...wanted,
      ...(mine && current.spec.acquireTime ? { acquireTime: current.spec.acquireTime } : {}),
      leaseTransitions: (current.spec.leaseTransitions ?? 0) + (mine ? 0 : 1),
    }
    const next = await client.update(leases, { ...current, spec }, {}, { signal: abort })
    wrote(next)
    return true
  }
  const attempt = async (abort: AbortSignal): Promise<boolean> => {
    try {
      return await tryOnce(abort)
    } catch (error) {
      env.log.debug('lease not acquired', { lease: `${namespace}/${name}`, error: String(error) })
      return false
    } finally {
      report()
    }
  }
  /** Tries until it holds or `deadlineMs` has passed; a call that hangs is cut at the deadline. */
  const renew = async (): Promise<boolean> => {
    const deadline = new AbortController()
    const cut = () => deadline.abort()
    const cancel = env.after(renewDeadlineMs, cut)
    signal.addEventListener('abort', cut, { once: true })
    const passed = new Promise<false>((resolve) => deadline.signal.addEventListener('abort', () => resolve(false), { once: true }))
    try {
      while (!deadline.signal.aborted) {
        if (await Promise.race([attempt(deadline.signal), passed])) return true
        await env.sleep(retryMs, deadline.signal)
      }
      return false
    } finally {
      cancel()
      signal.removeEventListener('abort', cut)
    }
  }

  while (!signal.aborted && !(await attempt(signal))) await env.sleep(retryMs * (1 + 1.2 * env.random()), signal)
  if (signal.aborted) return
  const leading = new AbortController()
  tell('became leader')
  options.onLeading(leading.signal)
  try {
    do await env.sleep(retryMs, signal)
    while (!signal.aborted && (await renew()))
  } finally {
    leading.abort()
    tell('stopped leading')
    if (options.releaseOnStop && isLeader()) await release(client, env, namespace, name, holder)
  }
}

const sameRecord = (a: LeaseSpec, b: LeaseSpec): boolean =>
  a.holderIdentity === b.holderIdentity && a.renewTime === b.renewTime && a.leaseTransitions === b.leaseTransitions

const release = async (client: Client, env: Env, namespace: string, name: string, holder: string): Promise<void> => {
  try {
    const current = await client.get(leases, { namespace, name })
    if (current.spec.holderIdentity !== holder) return
    const now = rfc3339Micro(env.now())
    const spec = { ...current.spec, holderIdentity: '', leaseDurationSeconds: 1, acquireTime: now, renewTime: now }
    await client.update(leases, { ...current, spec })
  } catch (error) {
    env.log.debug('lease not released', { lease: `${namespace}/${name}`, error: String(error) })
  }
}
