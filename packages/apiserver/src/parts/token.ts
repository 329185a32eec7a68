import type { Kind, ServiceAccount } from '@skiff/api'
import { conflict, type FieldError, invalid, invalidValue, type KubeObject, notFound, rfc3339 } from '@skiff/machinery'
import type { TokenSigner } from '../authn/tokens.ts'
import type { Part } from '../handler.ts'
import { find } from '../registry/tree.ts'
import { replyValue } from '../represent/represent.ts'
import { decodeBody } from '../rest/body.ts'
import { keyOfCall, namedOf, type Rest } from '../rest/context.ts'
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
    const cache = await rest.storage.cache(kind)
    const account = find(cache.tree, keyOfCall(kind, call))?.object as ServiceAccount | undefined
    if (!account) throw notFound(namedOf(kind), call.name ?? '')
    const asked = decodeBody(tokenKind, call.body, options.validation, request.warnings) as TokenRequest
    const seconds = asked.spec.expirationSeconds ?? 3600
    const audiences = asked.spec.audiences?.length ? asked.spec.audiences : [signer.issuer]
    const errors: FieldError[] = []
    if (seconds < 600) errors.push(invalidValue('spec.expirationSeconds', seconds, 'may not specify a duration less than 10 minutes'))
    if (seconds > 2 ** 32)
      errors.push(invalidValue('spec.expirationSeconds', seconds, 'may not specify a duration larger than 2^32 seconds'))
    if (errors.length > 0) throw invalid(tokenKind, asked.metadata.name ?? '', errors)
    const bound = asked.spec.boundObjectRef ? await boundTo(rest, call.namespace ?? '', asked.spec.boundObjectRef) : {}
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
    const metadata = { name: account.metadata.name, namespace: account.metadata.namespace, creationTimestamp: rfc3339(rest.env.now()) }
    const spec = { audiences, expirationSeconds: seconds, boundObjectRef: asked.spec.boundObjectRef ?? null }
    return replyValue(call, { kind: 'TokenRequest', apiVersion: 'authentication.k8s.io/v1', metadata, spec, status }, 201)
  }

const boundKinds: Readonly<Record<string, { plural: string; namespaced: boolean; claim: 'pod' | 'secret' | 'node' }>> = {
  Pod: { plural: 'pods', namespaced: true, claim: 'pod' },
  Secret: { plural: 'secrets', namespaced: true, claim: 'secret' },
  Node: { plural: 'nodes', namespaced: false, claim: 'node' },
}

const boundTo = async (rest: Rest, namespace: string, ref: BoundObject) => {
  const of = boundKinds[ref.kind ?? '']
  const refused = (text: string) =>
    invalid({ group: 'authentication.k8s.io', kind: 'TokenRequest' }, '', [invalidValue('spec.boundObjectRef', ref, text)])
  if (!of || (ref.apiVersion !== undefined && ref.apiVersion !== '' && ref.apiVersion !== 'v1'))
    throw refused('cannot bind token to this kind of object')
  const kind = rest.registry.find('', 'v1', of.plural)
  if (!kind) throw notFound({ group: '', resource: of.plural }, ref.name ?? '')
  const cache = await rest.storage.cache(kind)
  const object = find(cache.tree, of.namespaced ? `${namespace}/${ref.name}` : (ref.name ?? ''))?.object
  if (!object) throw notFound(namedOf(kind), ref.name ?? '')
  if (ref.uid && ref.uid !== object.metadata.uid) {
    throw conflict(
      namedOf(kind),
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
