import { duplicate, forbiddenField, invalidValue, isQualifiedName, required, tooLong } from '@skiff/machinery'
import { addInvalid, checkImmutable, checkSupported, collect, differs, type Faults, same } from '../checks/faults.ts'
import { checkLabelName } from '../checks/label-selector.ts'
import { nodeLabelWarning } from '../checks/node-label-warnings.ts'
import { storageClass as storageClassResource } from '../generated/resources.ts'
import type { StorageClass, TopologySelectorTerm } from '../generated/types.ts'
import { defineKind } from '../kind.ts'

const mostParameters = 512
const mostParameterBytes = 256 * 1024

const checkParameters = (faults: Faults, parameters: Readonly<Record<string, string>>): void => {
  const entries = Object.entries(parameters)
  if (entries.length > mostParameters) {
    faults.push(tooLong('parameters', '', mostParameters))
    return
  }
  if (Object.hasOwn(parameters, '')) faults.push(invalidValue('parameters', '', 'field can not be empty.'))
  const bytes = entries.reduce((sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value), 0)
  if (bytes > mostParameterBytes) faults.push(tooLong('parameters', '', mostParameterBytes))
}

const checkTopologies = (faults: Faults, terms: readonly TopologySelectorTerm[]): void => {
  // Upstream begins with as many empty entries as there are terms, so an empty term is a duplicate of each.
  const seen: unknown[] = terms.map(() => ({}))
  terms.forEach((term, index) => {
    const path = `allowedTopologies[${index}].matchLabelExpressions`
    const byKey: Record<string, readonly string[]> = {}
    term.matchLabelExpressions?.forEach(({ key = '', values = [] }, at) => {
      if (values.length === 0) faults.push(required(`${path}[${at}].values`))
      values.forEach((value, which) => {
        if (values.indexOf(value) < which) faults.push(duplicate(`${path}[${at}].values[${which}]`, value))
      })
      checkLabelName(faults, key, `${path}[${at}].key`)
      if (Object.hasOwn(byKey, key)) faults.push(duplicate(`${path}[${at}].key`, key))
      byKey[key] = [...values].sort()
    })
    for (const other of seen) if (same(other, byKey)) faults.push(duplicate(path, ''))
    seen.push(byKey)
  })
}

const checkClass = (faults: Faults, next: StorageClass): void => {
  const { provisioner = '' } = next
  if (provisioner === '') faults.push(required('provisioner'))
  else addInvalid(faults, isQualifiedName(provisioner.toLowerCase()), provisioner, 'provisioner')
  if (next.parameters) checkParameters(faults, next.parameters)
  checkSupported(faults, next.reclaimPolicy || undefined, ['Delete', 'Retain'], 'reclaimPolicy')
  checkSupported(faults, next.volumeBindingMode, ['Immediate', 'WaitForFirstConsumer'], 'volumeBindingMode')
  if (next.allowedTopologies) checkTopologies(faults, next.allowedTopologies)
}

export const storageClass = defineKind<StorageClass>(storageClassResource, {
  generation: false,
  createChecksOnUpdate: 1,
  validate: (next) => collect((faults) => checkClass(faults, next)),
  warnings: ({ allowedTopologies = [] }) =>
    allowedTopologies.flatMap(({ matchLabelExpressions = [] }, at) =>
      matchLabelExpressions.flatMap(({ key = '' }, index) => {
        const text = nodeLabelWarning(key)
        return text === undefined ? [] : [`allowedTopologies[${at}].matchLabelExpressions[${index}]: ${text}`]
      }),
    ),
  validateUpdate: (next, old) =>
    collect((faults) => {
      for (const field of ['parameters', 'provisioner', 'reclaimPolicy'] as const)
        if (differs(next, old, field)) faults.push(forbiddenField(field, `updates to ${field} are forbidden.`))
      checkImmutable(faults, next.volumeBindingMode, old.volumeBindingMode, 'volumeBindingMode')
    }),
})
