import { invalidValue, isConfigMapKey, isEnvVarName, isRelaxedEnvVarName, nameIsDnsSubdomain, required } from '@skiff/machinery'
import { addInvalid, type Faults } from '../../checks/faults.ts'
import { isOn } from '../../features/scope.ts'
import type { EnvFromSource, EnvVar } from '../../generated/types.ts'
import { checkFieldRef, checkResourceFieldRef } from './field-refs.ts'

const checkName = (name: string): readonly string[] =>
  isOn('RelaxedEnvironmentVariableValidation') ? isRelaxedEnvVarName(name) : isEnvVarName(name)

export const checkEnv = (faults: Faults, vars: readonly EnvVar[], path: string): void => {
  vars.forEach((each, index) => {
    const at = `${path}[${index}]`
    if (!each.name) faults.push(required(`${at}.name`))
    else addInvalid(faults, checkName(each.name), each.name, `${at}.name`)
    if (each.valueFrom) checkValueFrom(faults, each, `${at}.valueFrom`)
  })
}

const checkValueFrom = (faults: Faults, { value, valueFrom }: EnvVar, path: string): void => {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom ?? {}
  if (fieldRef) checkFieldRef(faults, fieldRef, 'env', `${path}.fieldRef`)
  if (resourceFieldRef) checkResourceFieldRef(faults, resourceFieldRef, 'env', `${path}.resourceFieldRef`)
  if (configMapKeyRef) checkKeyRef(faults, configMapKeyRef, `${path}.configMapKeyRef`)
  if (secretKeyRef) checkKeyRef(faults, secretKeyRef, `${path}.secretKeyRef`)
  const sources = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef].filter(Boolean).length
  if (sources === 0)
    faults.push(invalidValue(path, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`'))
  else if (value) faults.push(invalidValue(path, '', 'may not be specified when `value` is not empty'))
  else if (sources > 1) faults.push(invalidValue(path, '', 'may not have more than one field specified at a time'))
}

const checkKeyRef = (faults: Faults, { name = '', key }: { readonly name?: string; readonly key?: string }, path: string): void => {
  addInvalid(faults, nameIsDnsSubdomain(name, false), name, `${path}.name`)
  if (!key) faults.push(required(`${path}.key`))
  else addInvalid(faults, isConfigMapKey(key), key, `${path}.key`)
}

export const checkEnvFrom = (faults: Faults, sources: readonly EnvFromSource[], path: string): void => {
  sources.forEach((source, index) => {
    const at = `${path}[${index}]`
    if (source.prefix) addInvalid(faults, checkName(source.prefix), source.prefix, `${at}.prefix`)
    for (const field of ['configMapRef', 'secretRef'] as const) {
      const ref = source[field]
      if (!ref) continue
      if (!ref.name) faults.push(required(`${at}.${field}.name`))
      else addInvalid(faults, nameIsDnsSubdomain(ref.name, true), ref.name, `${at}.${field}.name`)
    }
    // Upstream names the list here, not the item.
    if (!source.configMapRef && !source.secretRef) faults.push(invalidValue(path, '', 'must specify one of: `configMapRef` or `secretRef`'))
    else if (source.configMapRef && source.secretRef)
      faults.push(invalidValue(path, '', 'may not have more than one field specified at a time'))
  })
}
