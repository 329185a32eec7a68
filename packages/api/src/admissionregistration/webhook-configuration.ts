import { addFaults, duplicate, invalidValue, isDns1035Label, notSupported, repeats, required } from '@skiff/machinery'
import { addInvalid, checkSupported, collect, type Faults, invalidShown } from '../checks/faults.ts'
import { qualifiedNameFaults } from '../checks/fqdn.ts'
import { goStrings } from '../checks/go-syntax.ts'
import { checkLabelSelector } from '../checks/label-selector.ts'
import { checkWebhookClient } from '../checks/webhook-client.ts'
import {
  mutatingWebhookConfiguration as mutatingResource,
  validatingWebhookConfiguration as validatingResource,
} from '../generated/resources.ts'
import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from '../generated/types.ts'
import { type Behaviour, defineKind } from '../kind.ts'
import { checkMatchConditions } from './match-conditions.ts'
import { checkRule } from './rules.ts'

type Webhook = ValidatingWebhook & Pick<MutatingWebhook, 'reinvocationPolicy'>

const sideEffects = ['None', 'NoneOnDryRun']
/** Of AdmissionReview; the first is the better one. */
const reviewVersions = ['v1', 'v1beta1']
const longest = 30

const checkWebhook = (faults: Faults, hook: Webhook, path: string): void => {
  addFaults(faults, qualifiedNameFaults(hook.name ?? '', `${path}.name`))
  hook.rules?.forEach((rule, index) => {
    checkRule(faults, rule, `${path}.rules[${index}]`)
  })
  checkSupported(faults, hook.failurePolicy, ['Fail', 'Ignore'], `${path}.failurePolicy`)
  checkSupported(faults, hook.matchPolicy, ['Equivalent', 'Exact'], `${path}.matchPolicy`)
  if (hook.sideEffects === undefined) faults.push(required(`${path}.sideEffects`, `must specify one of ${sideEffects.join(', ')}`))
  else if (!sideEffects.includes(hook.sideEffects)) faults.push(notSupported(`${path}.sideEffects`, hook.sideEffects, sideEffects))
  const seconds = hook.timeoutSeconds
  if (seconds !== undefined && (seconds < 1 || seconds > longest))
    faults.push(invalidValue(`${path}.timeoutSeconds`, seconds, `the timeout value must be between 1 and ${longest} seconds`))
  checkLabelSelector(faults, hook.namespaceSelector, `${path}.namespaceSelector`)
  checkLabelSelector(faults, hook.objectSelector, `${path}.objectSelector`)
  checkSupported(faults, hook.reinvocationPolicy, ['IfNeeded', 'Never'], `${path}.reinvocationPolicy`)
  checkWebhookClient(faults, hook.clientConfig ?? {}, `${path}.clientConfig`)
  checkMatchConditions(faults, hook.matchConditions, `${path}.matchConditions`)
}

const checkReviewVersions = (faults: Faults, versions: readonly string[] = [], path: string): void => {
  if (versions.length === 0) {
    faults.push(required(path, `must specify one of ${reviewVersions.join(', ')}`))
    return
  }
  const again = repeats(versions)
  versions.forEach((version, index) => {
    if (again.has(index)) faults.push(invalidValue(`${path}[${index}]`, version, 'duplicate version'))
    else addInvalid(faults, isDns1035Label(version), version, `${path}[${index}]`)
  })
  if (!reviewVersions.some((version) => versions.includes(version)))
    faults.push(invalidShown(path, goStrings(versions), `must include at least one of ${reviewVersions.join(', ')}`))
}

const behaviour: Behaviour<ValidatingWebhookConfiguration | MutatingWebhookConfiguration> = {
  requireResourceVersion: true,
  validate: ({ webhooks }) =>
    collect((faults) => {
      const seen = new Set<string>()
      webhooks?.forEach((hook, index) => {
        const path = `webhooks[${index}]`
        checkWebhook(faults, hook, path)
        checkReviewVersions(faults, hook.admissionReviewVersions, `${path}.admissionReviewVersions`)
        if (hook.name && seen.has(hook.name)) faults.push(duplicate(`${path}.name`, hook.name))
        seen.add(hook.name)
      })
    }),
}

export const validatingWebhookConfiguration = defineKind<ValidatingWebhookConfiguration>(validatingResource, behaviour)
export const mutatingWebhookConfiguration = defineKind<MutatingWebhookConfiguration>(mutatingResource, behaviour)
