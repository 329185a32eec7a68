import type { Pod } from '@skiff/api'

/** Annotations of a pod that say how its containers live begin with this, as those of the simulated runtime. */
export const prefix = 'simulated.skiff.dev/'

/** How the containers of a pod live. Times in milliseconds. */
export interface Behaviour {
  /** From the binding until the containers run. */
  readonly startMs: number
  /** From their start until they are ready. */
  readonly readyMs: number
  /** From their start to their own end; undefined: until they are stopped. */
  readonly runMs: number | undefined
  readonly exitCode: number
  /** Their end is an out-of-memory kill. */
  readonly oom: boolean
  /** From the wish to delete the pod until it is gone. */
  readonly stopMs: number
  /** The image cannot be pulled. */
  readonly pullFails: boolean
  /** How long readiness holds, and is lost, in turn. */
  readonly flapMs: number | undefined
}

/** Of a node's pods: the share, from 0 to 1, that each failure befalls. */
export interface FailureRates {
  readonly imagePull?: number
  readonly crashLoop?: number
  readonly oomKilled?: number
  readonly readinessFlaps?: number
}

const plain: Behaviour = {
  startMs: 0,
  readyMs: 0,
  runMs: undefined,
  exitCode: 0,
  oom: false,
  stopMs: 0,
  pullFails: false,
  flapMs: undefined,
}
/** A pod of a Job works for a while and ends well. */
const job: Behaviour = { ...plain, runMs: 1_000 }

const crashMs = 1_000
const oomMs = 5_000
const flapMs = 10_000

/** What a pod does by its annotations, else by the failures of its node: which pods those befall follows from their uid alone. */
export const behaviourOf = (pod: Pod, rates: FailureRates | undefined): Behaviour => {
  const { annotations, ownerReferences } = pod.metadata
  const usual = ownerReferences?.some(({ kind }) => kind === 'Job') ? job : plain
  if (annotations && Object.keys(annotations).some((key) => key.startsWith(prefix))) return annotated(usual, annotations)
  return rates ? struck(usual, rates, shareOf(pod.metadata.uid)) : usual
}

const annotated = (usual: Behaviour, annotations: Readonly<Record<string, string>>): Behaviour => {
  const text = (name: string): string | undefined => annotations[prefix + name]
  const number = (name: string): number | undefined => {
    const value = text(name) === undefined ? Number.NaN : Number(text(name))
    return Number.isFinite(value) && value >= 0 ? value : undefined
  }
  const oom = text('oom') === 'true'
  const exitCode = number('exit-code')
  const ends = number('run-ms') ?? (oom ? oomMs : exitCode ? crashMs : undefined)
  return {
    startMs: number('start-ms') ?? usual.startMs,
    readyMs: number('ready-ms') ?? usual.readyMs,
    runMs: text('run-ms') === 'forever' ? undefined : (ends ?? usual.runMs),
    exitCode: oom ? 137 : (exitCode ?? usual.exitCode),
    oom,
    stopMs: number('stop-ms') ?? usual.stopMs,
    pullFails: text('fail') === 'pull',
    flapMs: number('flap-ms'),
  }
}

const struck = (usual: Behaviour, rates: FailureRates, share: number): Behaviour => {
  let left = share
  const strikes = (rate = 0): boolean => {
    left -= rate
    return left < 0
  }
  if (strikes(rates.imagePull)) return { ...usual, pullFails: true }
  if (strikes(rates.crashLoop)) return { ...usual, runMs: crashMs, exitCode: 1 }
  if (strikes(rates.oomKilled)) return { ...usual, runMs: oomMs, exitCode: 137, oom: true }
  if (strikes(rates.readinessFlaps)) return { ...usual, flapMs }
  return usual
}

/** Uniform in [0, 1), the same for a text for ever (FNV-1a). */
export const shareOf = (text: string): number => {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  // The last characters would else sway the high bits little.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return ((hash ^ (hash >>> 12)) >>> 0) / 2 ** 32
}
