import type { Pod } from '@skiff/api'
import type { AdmissionRequest } from './admission.ts'

/** The Pod of a create that a plugin may shape; undefined for every other request. */
export const createdPod = ({ kind, verb, subresource, object }: AdmissionRequest): Pod | undefined =>
  kind.group === '' && kind.plural === 'pods' && verb === 'create' && subresource === undefined ? (object as Pod | undefined) : undefined

/** The Pod of an update of the pod itself. */
export const updatedPod = ({ kind, verb, subresource, object }: AdmissionRequest): Pod | undefined =>
  kind.group === '' && kind.plural === 'pods' && verb === 'update' && subresource === undefined ? (object as Pod | undefined) : undefined
