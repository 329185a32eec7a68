import type { PolicyRule, Resource } from '@skiff/api'
import type { Client } from '@skiff/client'
import { isRefusal, type KubeObject } from '@skiff/machinery'

interface RoleObject extends KubeObject {
  readonly rules?: readonly PolicyRule[]
}

/** A role of the bootstrap policy: name, rules, and what labels and annotations go with it. */
export interface BootstrapRole {
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly rules?: readonly PolicyRule[]
  readonly aggregationRule?: unknown
}

/** Makes a role, or gives an existing one the rules that it lacks, as upstream's reconciliation does; `rbac.authorization.kubernetes.io/autoupdate: "false"` keeps it as it is. */
export const reconcileRole = async <T extends RoleObject>(client: Client, resource: Resource<T>, wanted: BootstrapRole): Promise<void> => {
  const { name, namespace } = wanted.metadata
  try {
    await client.create(resource, wanted as never)
    return
  } catch (error) {
    if (!isRefusal(error, 409)) throw error
  }
  const held = await client.get(resource, { name, ...(namespace ? { namespace } : {}) })
  if (held.metadata.annotations?.['rbac.authorization.kubernetes.io/autoupdate'] === 'false' || wanted.aggregationRule) return
  const known = new Set((held.rules ?? []).map((rule) => JSON.stringify(rule)))
  const missing = (wanted.rules ?? []).filter((rule) => !known.has(JSON.stringify(normalised(rule))))
  if (missing.length === 0) return
  await client.update(resource, { ...held, rules: [...(held.rules ?? []), ...missing] })
}

/** In the order of the type's fields, as the server gives it back. */
const normalised = (rule: PolicyRule): PolicyRule => ({
  verbs: rule.verbs,
  ...(rule.apiGroups ? { apiGroups: rule.apiGroups } : {}),
  ...(rule.resources ? { resources: rule.resources } : {}),
  ...(rule.resourceNames ? { resourceNames: rule.resourceNames } : {}),
  ...(rule.nonResourceURLs ? { nonResourceURLs: rule.nonResourceURLs } : {}),
})
