import { type FieldError, invalidValue, quoted, required } from '@skiff/machinery'
import type { CustomResourceDefinition } from '../generated/types.ts'

const annotation = 'api-approved.kubernetes.io'
const see = 'see https://github.com/kubernetes/enhancements/pull/1111'

export interface Approval {
  readonly reason: 'ApprovedAnnotation' | 'UnapprovedAnnotation' | 'InvalidAnnotation' | 'MissingAnnotation'
  readonly message: string
}

/** Whether somebody approved of a definition in one of the project's own groups; undefined for other groups. */
export const approvalOf = ({ metadata, spec }: CustomResourceDefinition): Approval | undefined => {
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(spec.group ?? '')) return undefined
  const given = metadata.annotations?.[annotation] ?? ''
  const must = `protected groups must have approval annotation ${quoted(annotation)}`
  if (given === '') return { reason: 'MissingAnnotation', message: `${must}, ${see}` }
  if (given.startsWith('unapproved')) return { reason: 'UnapprovedAnnotation', message: `not approved: ${quoted(given)}` }
  if (/^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/]+/.test(given)) return { reason: 'ApprovedAnnotation', message: `approved in ${given}` }
  return { reason: 'InvalidAnnotation', message: `${must} with either a URL or a reason starting with "unapproved", ${see}` }
}

export const approvalFault = (definition: CustomResourceDefinition): FieldError | undefined => {
  const found = approvalOf(definition)
  const path = `metadata.annotations[${annotation}]`
  if (found?.reason === 'MissingAnnotation') return required(path, found.message)
  return found?.reason === 'InvalidAnnotation'
    ? invalidValue(path, definition.metadata.annotations?.[annotation], found.message)
    : undefined
}
