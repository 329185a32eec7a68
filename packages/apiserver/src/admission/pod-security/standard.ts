import { type FieldError, invalidValue } from '@skiff/machinery'
import { baselineChecks } from './baseline.ts'
import type { Check, PodCheck, PodLike, Violation } from './check.ts'
import { restrictedChecks } from './restricted.ts'

export type Level = 'privileged' | 'baseline' | 'restricted'
const levels: readonly Level[] = ['privileged', 'baseline', 'restricted']

/** A level as one version of the standards has it; `minor` of 1.x, undefined for the latest. */
export interface Standard {
  readonly level: Level
  readonly minor: number | undefined
}

/** What a namespace asks of its pods. */
export interface Policy {
  readonly enforce: Standard
  readonly audit: Standard
  readonly warn: Standard
}

export const standardText = ({ level, minor }: Standard): string => `${level}:${minor === undefined ? 'latest' : `v1.${minor}`}`

export const sameStandard = (a: Standard, b: Standard): boolean => a.level === b.level && a.minor === b.minor

/** Above zero where `a` is the stricter one. */
export const compareLevels = (a: Level, b: Level): number => levels.indexOf(a) - levels.indexOf(b)

const prefix = 'pod-security.kubernetes.io/'
const open: Standard = { level: 'privileged', minor: undefined }
const openPolicy: Policy = { enforce: open, audit: open, warn: open }

/** The policy that a namespace's labels make, with what is wrong with them: who enforces takes a wrong level for the strictest. */
export const policyOf = (
  labels: Readonly<Record<string, string>> | undefined,
): { readonly policy: Policy; readonly errors: readonly FieldError[] } => {
  if (!labels) return { policy: openPolicy, errors: [] }
  const errors: FieldError[] = []
  const labelled = (name: string): string | undefined => (Object.hasOwn(labels, name) ? labels[name] : undefined)
  const standard = (mode: string, otherwise: Level): Standard => {
    const level = labelled(`${prefix}${mode}`)
    const version = labelled(`${prefix}${mode}-version`)
    const known = levels.find((each) => each === level)
    if (level !== undefined && !known)
      errors.push(invalidValue(`metadata.labels[${prefix}${mode}]`, level, `must be one of ${levels.join(', ')}`))
    const minor = /^v1\.(\d|[1-9]\d{1,8})$/.exec(version ?? '')?.[1]
    if (version !== undefined && version !== 'latest' && minor === undefined)
      errors.push(invalidValue(`metadata.labels[${prefix}${mode}-version]`, version, 'must be "latest" or "v1.x"'))
    return { level: known ?? (level === undefined ? 'privileged' : otherwise), minor: minor === undefined ? undefined : Number(minor) }
  }
  const enforce = standard('enforce', 'restricted')
  const wrongLevel = errors.some(({ field }) => field === `metadata.labels[${prefix}enforce]`)
  const audit = standard('audit', 'privileged')
  const warn = standard('warn', 'privileged')
  // Who enforces and says nothing of warnings wants them for workloads too.
  const follows = labelled(`${prefix}warn`) === undefined && !wrongLevel && compareLevels(enforce.level, warn.level) > 0
  return { policy: { enforce, audit, warn: follows ? enforce : warn }, errors }
}

const newest = Math.max(...[...baselineChecks, ...restrictedChecks].flatMap(({ versions }) => versions.map(([since]) => since)))
const checkAt = ({ versions }: Check, minor: number): PodCheck | undefined => versions.findLast(([since]) => since <= minor)?.[1]

const compiled = new Map<string, readonly PodCheck[]>()

/** The checks of a standard, in the order in which their texts are told. */
const checksOf = ({ level, minor = newest }: Standard): readonly PodCheck[] => {
  if (level === 'privileged') return []
  const at = Math.min(minor, newest)
  const key = `${level} ${at}`
  const known = compiled.get(key)
  if (known) return known
  const stricter = level === 'restricted' ? restrictedChecks.filter((check) => checkAt(check, at)) : []
  const overridden = new Set(stricter.flatMap(({ overrides }) => overrides ?? []))
  const made = [...baselineChecks.filter(({ id }) => !overridden.has(id)), ...stricter].flatMap((check) => checkAt(check, at) ?? [])
  compiled.set(key, made)
  return made
}

/** All that a standard has against a pod. */
export const violationsOf = (standard: Standard, pod: PodLike): readonly Violation[] =>
  checksOf(standard).flatMap((check) => check(pod) ?? [])

export const detailText = (violations: readonly Violation[]): string =>
  violations.map(({ reason, detail }) => (detail === '' ? reason : `${reason} (${detail})`)).join(', ')
export const reasonText = (violations: readonly Violation[]): string => violations.map(({ reason }) => reason).join(', ')
