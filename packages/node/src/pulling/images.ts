import type { Container, Pod, Secret } from '@skiff/api'
import { durationTextMs, type Env, quoted } from '@skiff/machinery'
import type { PodEvents } from '../agent/pod-events.ts'
import type { Images, ReadyImage } from '../agent/seams.ts'
import { StartFailed } from '../agent/start-failed.ts'
import { type BackOff, grown, heldUntil } from '../pods/back-off.ts'
import { specContainers } from '../pods/plan-kill.ts'
import { type ImageAuth, type ImageInfo, isRuntimeError, type Runtime, type SandboxConfig } from '../runtimes/runtime.ts'
import { credentialsFor } from './credentials.ts'
import { referenceFault, withDefaultTag } from './reference.ts'

export interface ImagesOptions {
  readonly runtime: Runtime
  readonly env: Env
  readonly events: PodEvents
  /** The pull secrets of a pod that exist. */
  readonly pullSecrets: (pod: Pod) => Promise<readonly Secret[]>
}

interface Refused extends BackOff {
  /** Of the last pull, to be shown while the next one waits. */
  readonly error: string
  readonly failedMs: number
}

/** How long ErrImagePull is shown before it becomes ImagePullBackOff. */
const shownMs = 1_500
/** What was asked ahead is used within this time. */
const freshMs = 5_000

/** Brings images to this machine by their pull policies, in the kubelet's words. */
export const createImages = ({ runtime, env, events, pullSecrets }: ImagesOptions): Images => {
  const refused = new Map<string, Refused>()
  const asked = new Map<string, { readonly atMs: number; readonly answer: Promise<ImageInfo | undefined> }>()
  const pulls = new Map<string, Promise<string>>()

  const status = (image: string): Promise<ImageInfo | undefined> => {
    const ahead = asked.get(image)
    asked.delete(image)
    return ahead && env.monotonicMs() - ahead.atMs < freshMs ? ahead.answer : runtime.imageStatus(image)
  }
  /** Pods that want the same image with the same credentials share one pull. */
  const pull = (image: string, auth: ImageAuth | undefined, sandbox: SandboxConfig): Promise<string> => {
    const key = JSON.stringify([image, auth])
    let pulling = pulls.get(key)
    if (!pulling) {
      pulling = runtime.pullImage(image, auth, sandbox).finally(() => pulls.delete(key))
      pulls.set(key, pulling)
    }
    return pulling
  }
  const pullWithAny = async (image: string, auths: readonly ImageAuth[], sandbox: SandboxConfig): Promise<string> => {
    const errors: unknown[] = []
    for (const auth of auths.length > 0 ? auths : [undefined]) {
      try {
        return await pull(image, auth, sandbox)
      } catch (error) {
        errors.push(error)
      }
    }
    throw errors[0]
  }
  const fail = (pod: Pod, container: Container, reason: string, message: string, retryAtMs?: number): StartFailed => {
    events.container(pod, container.name, 'Warning', 'Failed', `Error: ${reason}`)
    return new StartFailed(reason, message, retryAtMs)
  }

  const pullNow = async (pod: Pod, container: Container, image: string, sandbox: SandboxConfig, signal: AbortSignal): Promise<void> => {
    const name = quoted(container.image ?? '')
    const key = `${pod.metadata.uid}_${container.image}`
    const last = refused.get(key)
    const untilMs = last && heldUntil(last, last.failedMs, env.now())
    if (last && untilMs !== undefined) {
      events.container(pod, container.name, 'Normal', 'BackOff', `Back-off pulling image ${name}`)
      throw fail(pod, container, 'ImagePullBackOff', `Back-off pulling image ${name}: ErrImagePull: ${last.error}`, untilMs)
    }
    events.container(pod, container.name, 'Normal', 'Pulling', `Pulling image ${name}`)
    const startedMs = env.monotonicMs()
    try {
      await abortable(pullWithAny(image, credentialsFor(image, await pullSecrets(pod)), sandbox), signal)
    } catch (error) {
      if (signal.aborted) throw error
      const text = error instanceof Error ? error.message : String(error)
      events.container(pod, container.name, 'Warning', 'Failed', `Failed to pull image ${name}: ${text}`)
      const nowMs = env.now()
      refused.set(key, { ...grown(last, nowMs, nowMs), error: text, failedMs: nowMs })
      throw fail(pod, container, 'ErrImagePull', text, nowMs + shownMs)
    }
    refused.delete(key)
    const took = durationTextMs(Math.round(env.monotonicMs() - startedMs))
    const size = (await runtime.imageStatus(image))?.sizeBytes ?? 0
    const message = `Successfully pulled image ${name} in ${took} (${took} including waiting). Image size: ${size} bytes.`
    events.container(pod, container.name, 'Normal', 'Pulled', message)
  }

  return {
    prepare: (pod) => {
      for (const { image = '', imagePullPolicy } of specContainers(pod)) {
        if (imagePullPolicy === 'Always' || referenceFault(image) !== undefined) continue
        const answer = runtime.imageStatus(withDefaultTag(image))
        answer.catch(() => {})
        asked.set(withDefaultTag(image), { atMs: env.monotonicMs(), answer })
      }
    },
    ensure: async (pod, container, sandbox, signal) => {
      const given = container.image ?? ''
      const fault = referenceFault(given)
      if (fault !== undefined) {
        const message = `Failed to apply default image tag ${quoted(given)}: couldn't parse image name ${quoted(given)}: ${fault}`
        events.container(pod, container.name, 'Warning', 'InspectFailed', message)
        throw fail(pod, container, 'InvalidImageName', message)
      }
      const image = withDefaultTag(given)
      const inspect = () =>
        status(image).catch((error) => {
          const message = `Failed to inspect image ${quoted(given)}: ${isRuntimeError(error) ? error.message : String(error)}`
          events.container(pod, container.name, 'Warning', 'InspectFailed', message)
          throw fail(pod, container, 'ImageInspectError', message)
        })
      const policy = container.imagePullPolicy ?? 'IfNotPresent'
      const present = policy === 'Always' ? undefined : await inspect()
      if (present) {
        const message = `Container image ${quoted(given)} already present on machine`
        events.container(pod, container.name, 'Normal', 'Pulled', message)
        return readyImage(present)
      }
      if (policy === 'Never') {
        const message = `Container image ${quoted(given)} is not present with pull policy of Never`
        events.container(pod, container.name, 'Warning', 'ErrImageNeverPull', message)
        throw fail(pod, container, 'ErrImageNeverPull', message)
      }
      await pullNow(pod, container, image, sandbox, signal)
      const pulled = await inspect()
      if (!pulled) throw fail(pod, container, 'ErrImagePull', `image ${quoted(given)} is gone right after it was pulled`)
      return readyImage(pulled)
    },
  }
}

const readyImage = ({ id, uid, username }: ImageInfo): ReadyImage => ({ ref: id, username, ...(uid !== undefined ? { uid } : {}) })

/** Stops waiting when `signal` aborts; others may still want what goes on. */
const abortable = async <T>(work: Promise<T>, signal: AbortSignal): Promise<T> => {
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  work.catch(() => {})
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
