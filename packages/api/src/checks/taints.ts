import { duplicate, invalidValue, isLabelValue, notSupported, quoted, required } from '@skiff/machinery'
import type { Taint, Toleration } from '../generated/types.ts'
import { type Faults, invalidShown } from './faults.ts'
import { goToleration } from './go-syntax.ts'
import { checkLabelName } from './label-selector.ts'

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

const checkEffect = (faults: Faults, effect: string, path: string): void => {
  if (!effects.includes(effect)) faults.push(notSupported(path, effect, effects))
}

export const checkTolerations = (faults: Faults, tolerations: readonly Toleration[], path: string): void => {
  tolerations.forEach((toleration, index) => {
    checkToleration(faults, toleration, `${path}[${index}]`)
  })
}

const checkToleration = (faults: Faults, toleration: Toleration, path: string): void => {
  const { key = '', operator = '' as string, value = '', effect = '' as string, tolerationSeconds } = toleration
  if (key !== '') checkLabelName(faults, key, `${path}.key`)
  else if (operator !== 'Exists')
    faults.push(
      invalidValue(
        `${path}.operator`,
        operator,
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ),
    )
  if (tolerationSeconds !== undefined && effect !== 'NoExecute')
    faults.push(invalidValue(`${path}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"))
  if (operator === 'Equal' || operator === '') {
    const messages = isLabelValue(value)
    if (messages.length > 0) faults.push(invalidValue(`${path}.operator`, value, messages.join(';')))
  } else if (operator === 'Exists') {
    if (value !== '')
      faults.push(invalidShown(`${path}.operator`, goToleration(toleration), "value must be empty when `operator` is 'Exists'"))
  } else faults.push(notSupported(`${path}.operator`, operator, ['Equal', 'Exists']))
  if (effect !== '') checkEffect(faults, effect, `${path}.effect`)
}

export const checkTaints = (faults: Faults, taints: readonly Taint[], path: string): void => {
  const met = new Set<string>()
  taints.forEach((taint, index) => {
    const at = `${path}[${index}]`
    const { key = '', value = '', effect = '' as string } = taint
    checkLabelName(faults, key, `${at}.key`)
    const messages = isLabelValue(value)
    if (messages.length > 0) faults.push(invalidValue(`${at}.value`, value, messages.join(';')))
    if (effect === '') faults.push(required(`${at}.effect`))
    else checkEffect(faults, effect, `${at}.effect`)
    const pair = `${effect}/${key}`
    if (met.has(pair)) {
      const shown = `core.Taint{Key:${quoted(key)}, Value:${quoted(value)}, Effect:${quoted(effect)}, TimeAdded:<nil>}`
      faults.push({ ...duplicate(at, key), body: `Duplicate value: ${shown}: taints must be unique by key and effect pair` })
    }
    met.add(pair)
  })
}
