import type { Kind } from '@skiff/api'
import type { AccountTokens } from '../authn/service-accounts.ts'
import type { TokenSigner } from '../authn/tokens.ts'
import type { Rbac } from '../authz/rbac.ts'
import type { Part } from '../handler.ts'
import { type ComponentCheck, componentStatuses } from './component-statuses.ts'
import { podEviction } from './eviction.ts'
import type { NodeDirectory } from './node-directory.ts'
import { podExec, podLog, podPortForward } from './pod-streams.ts'
import { bindings, podBinding } from './pods.ts'
import { nodeProxy, podProxy, serviceProxy } from './proxy.ts'
import {
  localSubjectAccessReview,
  selfSubjectAccessReview,
  selfSubjectReview,
  selfSubjectRulesReview,
  subjectAccessReview,
  tokenReview,
} from './reviews.ts'
import { deploymentRollback } from './rollback.ts'
import { scalePart } from './scale.ts'
import { tokenPart } from './token.ts'

export interface PartsOptions {
  readonly rbac: Rbac
  readonly signer: TokenSigner
  readonly accounts: AccountTokens
  /** Scale in autoscaling/v1, and in the versions that removed API versions had. */
  readonly scaleKinds: readonly Kind[]
  readonly tokenRequestKind: Kind
  readonly evictionKind: Kind
  readonly nodes: NodeDirectory
  /** Those of metrics.k8s.io, where it is served here. */
  readonly usage?: ReadonlyMap<string, Part>
  /** Components that run, by upstream's name. */
  readonly components: ReadonlyMap<string, ComponentCheck>
  readonly readStore: () => Promise<unknown>
}

/** The subresources and virtual resources with handlers of their own, by `group/plural` and `group/plural/subresource`. */
export const builtinParts = (options: PartsOptions): ReadonlyMap<string, Part> => {
  const { rbac, signer, accounts, scaleKinds, tokenRequestKind, evictionKind, nodes } = options
  const scale = scalePart(scaleKinds)
  return new Map<string, Part>([
    ['/bindings', bindings],
    ['/componentstatuses', componentStatuses(options.components, options.readStore)],
    ['/pods/binding', podBinding],
    ['/pods/eviction', podEviction(evictionKind)],
    ['/pods/log', podLog(nodes)],
    ['/pods/exec', podExec(nodes, false)],
    ['/pods/attach', podExec(nodes, true)],
    ['/pods/portforward', podPortForward(nodes)],
    ['/pods/proxy', podProxy(nodes)],
    ['/services/proxy', serviceProxy(nodes)],
    ['/nodes/proxy', nodeProxy(nodes)],
    ['/serviceaccounts/token', tokenPart(tokenRequestKind, signer)],
    // Of every custom kind that has one.
    ['custom/scale', scale],
    ['/replicationcontrollers/scale', scale],
    ['apps/deployments/scale', scale],
    ['apps/replicasets/scale', scale],
    ['apps/statefulsets/scale', scale],
    ['extensions/deployments/scale', scale],
    ['extensions/replicasets/scale', scale],
    ['apps/deployments/rollback', deploymentRollback],
    ['extensions/deployments/rollback', deploymentRollback],
    ['authentication.k8s.io/selfsubjectreviews', selfSubjectReview],
    ['authentication.k8s.io/tokenreviews', tokenReview(accounts.review)],
    ['authorization.k8s.io/selfsubjectaccessreviews', selfSubjectAccessReview],
    ['authorization.k8s.io/subjectaccessreviews', subjectAccessReview],
    ['authorization.k8s.io/localsubjectaccessreviews', localSubjectAccessReview],
    ['authorization.k8s.io/selfsubjectrulesreviews', selfSubjectRulesReview(rbac)],
    ...(options.usage ?? []),
  ])
}
