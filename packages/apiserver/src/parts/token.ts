import type { Kind, ServiceAccount } from '@skiff/api'
import { badRequest, conflict, type FieldError, invalid, invalidValue, type KubeObject, notFound, rfc3339 } from '@skiff/machinery'
import type { TokenSigner } from '../authn/tokens.ts'
import type { Part } from '../handler.ts'
import { tracked } from '../managed-fields/track.ts'
import { find } from '../registry/tree.ts'
import { replyValue } from '../represent/represent.ts'
import { decodeBody } from '../rest/body.ts'
import { keyOfCall, namedOf, type Rest } from '../rest/context.ts'
import { inNamespace } from '../rest/create.ts'
import { writeOptions } from '../rest/options.ts'

interface BoundObject {
  readonly kind?: string
  readonly apiVersion?: string
  readonly name?: string
  readonly uid?: string
}
interface TokenRequest extends KubeObject {
  readonly spec: { readonly audiences?: readonly string[]; readonly expirationSeconds?: number; readonly boundObjectRef?: BoundObject }
}

/** Kubelets ask for an hour and get a year, and are warned after that hour, as upstream extends tokens by default. */
const extendedSeconds = 365 * 24 * 3600
const warnAfterSeconds = 3607

/** POST serviceaccounts/NAME/token: a signed token, bound to the account and to a pod, secret or node. */
export const tokenPart =
  (tokenKind: Kind, signer: TokenSigner): Part =>
  async ({ rest }, request) => {
    const { call, kind } = request
    const options = writeOptions(call, 'CreateOptions')
    const sent = inNamespace(kind, decodeBody(tokenKind, call.body, options.validation, request.warnings), call.namespace)
    const asked = tracked(rest, { ...request, kind: tokenKind, fieldManager: options.fieldManager }, sent as TokenRequest, undefined)
    if (asked.metadata.name && asked.metadata.name !== call.name) {
      const wrong = invalidValue('metadata.name', asked.metadata.name, 'must match the service account name if specified')
      throw invalid(tokenKind, call.name ?? '', [wrong])
    }
    const cache = await rest.storage.cache(kind)
    const account = find(cache.tree, keyOfCall(kind, call))?.object as ServiceAccount | undefined
    if (!account) throw notFound(namedOf(kind), call.name ?? '')
    const seconds = asked.spec.expirationSeconds ?? 3600
    const audiences = asked.spec.audiences?.length ? asked.spec.audiences : [signer.issuer]
    const errors: FieldError[] = []
    if (seconds < 600) errors.push(invalidValue('spec.expirationSeconds', seconds, 'may not specify a duration less than 10 minutes'))
    if (seconds > 2 ** 32)
      errors.push(invalidValue('spec.expirationSeconds', seconds, 'may not specify a duration larger than 2^32 seconds'))
    if (errors.length > 0) throw invalid(tokenKind, asked.metadata.name ?? '', errors)
    const bound = asked.spec.boundObjectRef ? await boundTo(rest, account, asked.spec.boundObjectRef) : {}
    const now = Math.floor(rest.env.now() / 1000)
    const extends_ = seconds === warnAfterSeconds && 'pod' in bound && audiences.length === 1 && audiences[0] === signer.issuer
    const expires = now + (extends_ ? extendedSeconds : seconds)
    const token = signer.sign({
      aud: audiences,
      exp: expires,
      iat: now,
      nbf: now,
      sub: `system:serviceaccount:${call.namespace}:${call.name}`,
      'kubernetes.io': {
        namespace: call.namespace ?? '',
        serviceaccount: { name: account.metadata.name, uid: account.metadata.uid },
        ...bound,
        ...(extends_ ? { warnafter: now + warnAfterSeconds } : {}),
      },
    })
    const status = { token, expirationTimestamp: rfc3339((extends_ ? now + seconds : expires) * 1000) }
    const { managedFields } = asked.metadata
    const metadata = {
      name: account.metadata.name,
      namespace: account.metadata.namespace,
      creationTimestamp: rfc3339(rest.env.now()),
      ...(managedFields ? { managedFields } : {}),
    }
    const spec = { audiences, expirationSeconds: seconds, boundObjectRef: asked.spec.boundObjectRef ?? null }
    return replyValue(call, { kind: 'TokenRequest', apiVersion: 'authentication.k8s.io/v1', metadata, spec, status }, 201)
  }

const boundKinds: Readonly<Record<string, { plural: string; namespaced: boolean; claim: 'pod' | 'secret' | 'node' }>> = {
  Pod: { plural: 'pods', namespaced: true, claim: 'pod' },
  Secret: { plural: 'secrets', namespaced: true, claim: 'secret' },
  Node: { plural: 'nodes', namespaced: false, claim: 'node' },
}

const groupVersion = (apiVersion: string): [string, string] => {
  const slash = apiVersion.indexOf('/')
  return slash < 0 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)]
}

const boundTo = async (rest: Rest, account: ServiceAccount, ref: BoundObject) => {
  const { namespace } = account.metadata
  const [group, version] = groupVersion(ref.apiVersion ?? '')
  const of = group === '' ? boundKinds[ref.kind ?? ''] : undefined
  if (!of) throw badRequest(`cannot bind token to object of type ${group}/${version}, Kind=${ref.kind ?? ''}`)
  const kind = rest.registry.find('', 'v1', of.plural)
  if (!kind) throw notFound({ group: '', resource: of.plural }, ref.name ?? '')
  const cache = await rest.storage.cache(kind)
  const object = find(cache.tree, of.namespaced ? `${namespace}/${ref.name}` : (ref.name ?? ''))?.object
  if (!object) throw notFound(namedOf(kind), ref.name ?? '')
  const runsAs = of.claim === 'pod' ? (object as { spec?: { serviceAccountName?: string } }).spec?.serviceAccountName : undefined
  if (of.claim === 'pod' && runsAs !== account.metadata.name)
    throw badRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(account.metadata.name)} to pod running with different serviceaccount name.`,
    )
  if (ref.uid && ref.uid !== object.metadata.uid) {
    throw conflict(
      { group, resource: ref.kind ?? '' },
      ref.name ?? '',
      `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    )
  }
  const name = { name: object.metadata.name, uid: object.metadata.uid }
  const node = of.claim === 'pod' ? (object as { spec?: { nodeName?: string } }).spec?.nodeName : undefined
  const nodeKind = node ? rest.registry.find('', 'v1', 'nodes') : undefined
  const held = nodeKind && node ? find((await rest.storage.cache(nodeKind)).tree, node)?.object : undefined
  return { [of.claim]: name, ...(held ? { node: { name: held.metadata.name, uid: held.metadata.uid } } : {}) }
}
