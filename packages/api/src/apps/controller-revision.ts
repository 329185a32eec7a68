import { encodeJson, required } from '@skiff/machinery'
import { checkNonNegative, collect, type Faults, immutableText, invalidShown, same } from '../checks/faults.ts'
import { controllerRevision as controllerRevisionResource } from '../generated/resources.ts'
import type { ControllerRevision } from '../generated/types.ts'
import { defineKind } from '../kind.ts'

const checkRevision = (faults: Faults, { data, revision }: ControllerRevision): void => {
  if (data === undefined) faults.push(required('data', 'data is mandatory'))
  checkNonNegative(faults, revision, 'revision')
}

/** Upstream holds the data as bytes of JSON, and prints each. */
const goRaw = (data: unknown): string => {
  if (data === undefined) return '"null"'
  const bytes = [...Buffer.from(encodeJson(data))].map((byte) => `0x${byte.toString(16)}`).join(', ')
  return `runtime.Unknown{TypeMeta:runtime.TypeMeta{APIVersion:"", Kind:""}, Raw:[]uint8{${bytes}}, ContentEncoding:"", ContentType:"application/json"}`
}

export const controllerRevision = defineKind<ControllerRevision>(controllerRevisionResource, {
  generation: false,
  validate: (next) => collect((faults) => checkRevision(faults, next)),
  validateUpdate: (next, old) =>
    collect((faults) => {
      checkRevision(faults, next)
      if (!same(next.data, old.data)) faults.push(invalidShown('data', goRaw(next.data), immutableText))
    }),
})
