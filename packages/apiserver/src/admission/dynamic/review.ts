import type { Kind } from '@skiff/api'
import { type KubeObject, withVersion } from '@skiff/machinery'
import { converting } from '../../registry/converting.ts'
import type { AdmissionRequest } from '../admission.ts'

/** The request's object, or the one before, in another version of its kind. */
export const shownIn = (request: AdmissionRequest, kind: Kind, which: 'object' | 'old'): KubeObject | undefined =>
  request.objectKind ? request[which] : inVersion(request.kind, kind, request[which])

/** Makes both known in the version, where a webhook converts. */
export const prepareShown = (request: AdmissionRequest, kind: Kind): Promise<unknown> =>
  converting(() => [shownIn(request, kind, 'object'), shownIn(request, kind, 'old')])

/** An object in another version of its kind. */
export const inVersion = (from: Kind, to: Kind, object: KubeObject | undefined): KubeObject | undefined => {
  if (object === undefined || from === to) return object
  const stored = from.conversion ? from.conversion.toStored(object) : object
  const shown = to.conversion ? to.conversion.fromStored(stored) : stored
  return { ...shown, apiVersion: to.apiVersion, kind: to.kind }
}

/** The whole object as JSON, in Go's bytes. */
export const jsonOf = (kind: Kind, object: KubeObject): string => {
  return withVersion(kind.codec.encode(object), object.metadata.resourceVersion || undefined)
    .toString('utf8')
    .trimEnd()
}

const kindOf = ({ group, version, kind }: Kind) => ({ group, version, kind })
const resourceOf = ({ group, version, plural }: Kind) => ({ group, version, resource: plural })

const optionKinds = { create: 'CreateOptions', update: 'UpdateOptions', delete: 'DeleteOptions', connect: undefined }

/** The options of the call, as the query or the body gave them. */
const optionsOf = ({ verb, options }: AdmissionRequest): object | null => {
  const kind = optionKinds[verb]
  return kind === undefined ? null : { kind, apiVersion: 'meta.k8s.io/v1', ...options?.() }
}

/**
 * A request as a webhook hears of it, and as an expression sees it under the name `request`: admission.k8s.io/v1's AdmissionRequest without
 * uid and objects. `kind` is the version that the hook or policy was matched in.
 */
export const describeRequest = (request: AdmissionRequest, kind: Kind): Readonly<Record<string, unknown>> => {
  const { identity, subresource, name, namespace, verb, dryRun, objectKind } = request
  const { uid, groups, extra } = identity
  const asked = request.kind.askedAs ?? request.kind
  return {
    kind: objectKind ?? kindOf(kind),
    resource: resourceOf(kind),
    ...(subresource ? { subResource: subresource } : {}),
    requestKind: objectKind ?? kindOf(asked),
    requestResource: resourceOf(asked),
    ...(subresource ? { requestSubResource: subresource } : {}),
    ...(name ? { name } : {}),
    ...(namespace ? { namespace } : {}),
    operation: verb.toUpperCase(),
    userInfo: { username: identity.name, ...(uid ? { uid } : {}), groups, ...(extra ? { extra } : {}) },
    dryRun,
    options: optionsOf(request),
  }
}
