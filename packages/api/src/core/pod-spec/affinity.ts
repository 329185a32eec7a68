import { forbiddenField, invalidValue, nameIsDnsLabel, required } from '@skiff/machinery'
import { addInvalid, type Faults } from '../../checks/faults.ts'
import { checkLabelName, checkLabelSelector } from '../../checks/label-selector.ts'
import { checkNodeSelector, checkNodeSelectorTerm } from '../../checks/node-selector.ts'
import type { Affinity, LabelSelector, NodeAffinity, PodAffinity, PodAffinityTerm, PodAntiAffinity } from '../../generated/types.ts'

const requiredTerms = 'requiredDuringSchedulingIgnoredDuringExecution'
const preferredTerms = 'preferredDuringSchedulingIgnoredDuringExecution'

export const checkAffinity = (faults: Faults, affinity: Affinity, path: string): void => {
  if (affinity.nodeAffinity) checkNodeAffinity(faults, affinity.nodeAffinity, `${path}.nodeAffinity`)
  if (affinity.podAffinity) checkPodAffinity(faults, affinity.podAffinity, `${path}.podAffinity`)
  if (affinity.podAntiAffinity) checkPodAffinity(faults, affinity.podAntiAffinity, `${path}.podAntiAffinity`)
}

const checkWeight = (faults: Faults, weight: number, path: string): void => {
  if (weight <= 0 || weight > 100) faults.push(invalidValue(`${path}.weight`, weight, 'must be in the range 1-100'))
}

const checkNodeAffinity = (faults: Faults, affinity: NodeAffinity, path: string): void => {
  const must = affinity[requiredTerms]
  if (must) checkNodeSelector(faults, must, `${path}.${requiredTerms}`)
  affinity[preferredTerms]?.forEach((term, index) => {
    const at = `${path}.${preferredTerms}[${index}]`
    checkWeight(faults, term.weight ?? 0, at)
    checkNodeSelectorTerm(faults, term.preference ?? {}, false, `${at}.preference`)
  })
}

const checkPodAffinity = (faults: Faults, affinity: PodAffinity | PodAntiAffinity, path: string): void => {
  affinity[requiredTerms]?.forEach((term, index) => {
    checkTerm(faults, term, `${path}.${requiredTerms}[${index}]`)
  })
  affinity[preferredTerms]?.forEach((weighted, index) => {
    const at = `${path}.${preferredTerms}[${index}]`
    checkWeight(faults, weighted.weight ?? 0, at)
    checkTerm(faults, weighted.podAffinityTerm ?? { topologyKey: '' }, `${at}.podAffinityTerm`)
  })
}

const checkTerm = (faults: Faults, term: PodAffinityTerm, path: string): void => {
  checkLabelSelector(faults, term.labelSelector, `${path}.labelSelector`)
  checkLabelSelector(faults, term.namespaceSelector, `${path}.namespaceSelector`)
  for (const name of term.namespaces ?? []) addInvalid(faults, nameIsDnsLabel(name, false), name, `${path}.namespace`)
  checkLabelKeys(faults, term, path)
  const key = term.topologyKey ?? ''
  if (key === '') faults.push(required(`${path}.topologyKey`, 'can not be empty'))
  checkLabelName(faults, key, `${path}.topologyKey`)
}

const checkLabelKeys = (faults: Faults, term: PodAffinityTerm, path: string): void => {
  const { matchLabelKeys = [], mismatchLabelKeys = [], labelSelector } = term
  checkKeys(faults, matchLabelKeys, labelSelector, `${path}.matchLabelKeys`)
  checkKeys(faults, mismatchLabelKeys, labelSelector, `${path}.mismatchLabelKeys`)
  // By now the selector has been merged with what matchLabelKeys stand for, so a key met twice was given twice.
  const met = new Set(Object.keys(labelSelector?.matchLabels ?? {}))
  for (const { key = '' } of labelSelector?.matchExpressions ?? []) {
    const index = matchLabelKeys.indexOf(key)
    if (index >= 0 && met.has(key)) faults.push(invalidValue(`${path}[${index}]`, key, 'exists in both matchLabelKeys and labelSelector'))
    met.add(key)
  }
  matchLabelKeys.forEach((key, index) => {
    if (mismatchLabelKeys.includes(key))
      faults.push(invalidValue(`${path}.matchLabelKeys[${index}]`, key, 'exists in both matchLabelKeys and mismatchLabelKeys'))
  })
}

const checkKeys = (faults: Faults, keys: readonly string[], selector: LabelSelector | undefined, path: string): void => {
  if (keys.length === 0) return
  if (selector === undefined) faults.push(forbiddenField(path, 'must not be specified when labelSelector is not set'))
  else
    keys.forEach((key, index) => {
      checkLabelName(faults, key, `${path}[${index}]`)
    })
}
