import { addFaults, invalidValue, isConfigMapKey, required, tooLong } from '@skiff/machinery'
import { addInvalid, checkImmutable, collect, type Faults, keysOf } from '../checks/faults.ts'
import { secret as secretResource } from '../generated/resources.ts'
import type { Secret } from '../generated/types.ts'
import { defineKind } from '../kind.ts'
import { bytesOfBase64, frozenFaults, mostDataBytes } from './config-map.ts'
import { keyPairFault } from './key-pair.ts'

const accountAnnotation = 'kubernetes.io/service-account.name'

const checkSecret = (faults: Faults, secret: Secret): void => {
  const data = secret.data ?? {}
  let bytes = 0
  for (const key of keysOf(data)) {
    addInvalid(faults, isConfigMapKey(key), key, `data[${key}]`)
    bytes += bytesOfBase64(data[key] as string)
  }
  if (bytes > mostDataBytes) faults.push(tooLong('data', '', mostDataBytes))
  checkByType(faults, secret, data)
}

const checkByType = (faults: Faults, secret: Secret, data: Readonly<Record<string, string>>): void => {
  const need = (...keys: string[]) => {
    for (const key of keys) if (!Object.hasOwn(data, key)) faults.push(required(`data[${key}]`))
  }
  switch (secret.type) {
    case 'kubernetes.io/service-account-token':
      if (!secret.metadata.annotations?.[accountAnnotation]) faults.push(required(`metadata.annotations[${accountAnnotation}]`))
      break
    case 'kubernetes.io/dockercfg':
      checkJson(faults, data, '.dockercfg')
      break
    case 'kubernetes.io/dockerconfigjson':
      checkJson(faults, data, '.dockerconfigjson')
      break
    case 'kubernetes.io/basic-auth':
      if (!Object.hasOwn(data, 'username') && !Object.hasOwn(data, 'password')) need('username', 'password')
      break
    case 'kubernetes.io/ssh-auth':
      if (!data['ssh-privatekey']) faults.push(required('data[ssh-privatekey]'))
      break
    case 'kubernetes.io/tls':
      need('tls.crt', 'tls.key')
      break
  }
}

const checkJson = (faults: Faults, data: Readonly<Record<string, string>>, key: string): void => {
  if (!Object.hasOwn(data, key)) {
    faults.push(required(`data[${key}]`))
    return
  }
  const text = Buffer.from(data[key] as string, 'base64').toString()
  const why = jsonFault(text)
  if (why !== undefined) faults.push(invalidValue(`data[${key}]`, '<secret contents redacted>', why))
}

/** Go's words for the two faults that users make. */
const jsonFault = (text: string): string | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    if (value === null || (typeof value === 'object' && !Array.isArray(value))) return undefined
    const type = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
    return `json: cannot unmarshal ${type} into Go value of type map[string]interface {}`
  } catch {
    return text.trim() === '' ? 'unexpected end of JSON input' : `invalid character ${goChar(text)} looking for beginning of value`
  }
}
const goChar = (text: string): string => `'${text.trim().charAt(0)}'`

/** stringData is written only: it goes into data and wins over it. */
const mergeStringData = (secret: Secret): Secret => {
  const { stringData, ...rest } = secret
  if (stringData === undefined) return secret
  const encoded = Object.entries(stringData).map(([key, value]) => [key, Buffer.from(value).toString('base64')])
  return { ...rest, data: { ...rest.data, ...(Object.fromEntries(encoded) as Record<string, string>) } }
}

export const secret = defineKind<Secret>(secretResource, {
  generation: false,
  default: mergeStringData,
  warnings: ({ type, data }) => {
    if (type !== 'kubernetes.io/tls') return []
    const why = keyPairFault(data?.['tls.crt'] ?? '', data?.['tls.key'] ?? '')
    return why === undefined ? [] : [why]
  },
  validate: (next) => collect((faults) => checkSecret(faults, next)),
  validateUpdate: (next, old) =>
    collect((faults) => {
      checkImmutable(faults, next.type, old.type, 'type')
      addFaults(faults, frozenFaults(next, old, ['data']))
      checkSecret(faults, next)
    }),
})
