import { type FieldError, forbiddenField, invalidValue, isConfigMapKey, tooLong } from '@skiff/machinery'
import { addInvalid, collect, differs, type Faults, keysOf } from '../checks/faults.ts'
import { configMap as configMapResource } from '../generated/resources.ts'
import type { ConfigMap } from '../generated/types.ts'
import { defineKind } from '../kind.ts'

/** Of the values of config maps and of secrets. */
export const mostDataBytes = 1024 * 1024

/** Bytes that base64 stands for. */
export const bytesOfBase64 = (text: string): number =>
  Math.floor((text.length * 3) / 4) - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0)

const checkData = (faults: Faults, { data = {}, binaryData = {} }: ConfigMap): void => {
  let bytes = 0
  for (const key of keysOf(data)) {
    addInvalid(faults, isConfigMapKey(key), key, `data[${key}]`)
    if (Object.hasOwn(binaryData, key)) faults.push(invalidValue(`data[${key}]`, key, 'duplicate of key present in binaryData'))
    bytes += Buffer.byteLength(data[key] as string)
  }
  for (const key of keysOf(binaryData)) {
    addInvalid(faults, isConfigMapKey(key), key, `binaryData[${key}]`)
    bytes += bytesOfBase64(binaryData[key] as string)
  }
  if (bytes > mostDataBytes) faults.push(tooLong('[]', '', mostDataBytes))
}

interface Freezable {
  readonly immutable?: boolean
}
const frozenText = 'field is immutable when `immutable` is set'

/** What is marked immutable stays so, and its data as they are. */
export const frozenFaults = <T extends Freezable>(next: T, old: T, fields: readonly (keyof T & string)[]): FieldError[] => {
  if (old.immutable !== true) return []
  const thawed = next.immutable === true ? [] : [forbiddenField('immutable', frozenText)]
  return [...thawed, ...fields.filter((field) => differs(next, old, field)).map((field) => forbiddenField(field, frozenText))]
}

export const configMap = defineKind<ConfigMap>(configMapResource, {
  generation: false,
  validate: (next) => collect((faults) => checkData(faults, next)),
  validateUpdate: (next, old) => [
    ...frozenFaults(next, old, ['data', 'binaryData']),
    ...collect((faults) => {
      checkData(faults, next)
    }),
  ],
})
