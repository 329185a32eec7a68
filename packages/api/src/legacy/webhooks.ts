import { type FieldError, type KubeObject, notSupported } from '@skiff/machinery'
import { eachOf, type Form, filled, type Loose, type LooseFields } from './legacy-kind.ts'

const sideEffects = ['None', 'NoneOnDryRun', 'Some', 'Unknown']

const defaults = {
  failurePolicy: 'Ignore',
  matchPolicy: 'Exact',
  sideEffects: 'Unknown',
  timeoutSeconds: 30,
  admissionReviewVersions: ['v1beta1'],
}

/** An empty list of versions is none. */
const withDefaults = (hook: LooseFields): LooseFields => {
  const { admissionReviewVersions, ...rest } = hook
  const isGiven = Array.isArray(admissionReviewVersions) && admissionReviewVersions.length > 0
  return filled(isGiven ? hook : rest, defaults)
}

interface Hooks {
  readonly webhooks?: readonly { readonly sideEffects?: string }[]
}

/** Side effects may be any, and two webhooks may have one name. */
const fault = (each: FieldError, next: KubeObject): FieldError | undefined => {
  if (each.field.endsWith('.name') && each.reason === 'FieldValueDuplicate') return undefined
  if (!each.field.endsWith('.sideEffects')) return each
  const given = (next as Hooks).webhooks?.[Number(/\[(\d+)\]/.exec(each.field)?.[1])]?.sideEffects ?? ''
  return sideEffects.includes(given) ? undefined : notSupported(each.field, given, sideEffects)
}

/** Webhook configurations of admissionregistration.k8s.io/v1beta1. */
export const webhookConfiguration: Form = {
  default: (object) => (object.webhooks ? ({ ...object, webhooks: eachOf(object.webhooks, withDefaults) } as Loose) : object),
  fault,
}
