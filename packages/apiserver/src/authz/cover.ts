import type { PolicyRule } from '@skiff/api'
import type { Identity } from '@skiff/client'
import { quoted } from '@skiff/machinery'

/** What only a cluster administrator holds. */
export const everything: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
]

const has = (held: readonly string[] | undefined, wanted: string): boolean => held?.some((each) => each === '*' || each === wanted) ?? false

const coversResource = (held: PolicyRule, wanted: string): boolean => {
  if (has(held.resources, wanted)) return true
  const at = wanted.indexOf('/')
  return at >= 0 && (held.resources?.includes(`*${wanted.slice(at)}`) ?? false)
}

const coversUrl = (held: PolicyRule, wanted: string): boolean =>
  held.nonResourceURLs?.some((each) => each === '*' || each === wanted || (each.endsWith('*') && wanted.startsWith(each.slice(0, -1)))) ??
  false

/** `atom` names one verb, and one URL or one group, resource and perhaps one name. */
const covers = (held: PolicyRule, atom: PolicyRule): boolean => {
  if (!has(held.verbs, atom.verbs[0] as string)) return false
  if (atom.nonResourceURLs) return coversUrl(held, atom.nonResourceURLs[0] as string)
  if (!has(held.apiGroups, atom.apiGroups?.[0] as string) || !coversResource(held, atom.resources?.[0] as string)) return false
  if (!held.resourceNames?.length) return true
  return atom.resourceNames !== undefined && held.resourceNames.includes(atom.resourceNames[0] as string)
}

function* atomsOf(rule: PolicyRule): Generator<PolicyRule> {
  for (const verb of rule.verbs ?? []) {
    for (const group of rule.apiGroups ?? [])
      for (const resource of rule.resources ?? [])
        if (!rule.resourceNames?.length) yield { verbs: [verb], apiGroups: [group], resources: [resource] }
        else
          for (const name of rule.resourceNames) yield { verbs: [verb], apiGroups: [group], resources: [resource], resourceNames: [name] }
    for (const url of rule.nonResourceURLs ?? []) yield { verbs: [verb], nonResourceURLs: [url] }
  }
}

const list = (texts: readonly string[]): string => `[${texts.map(quoted).join(' ')}]`

const printed = (rule: PolicyRule): string => {
  const parts: string[] = []
  if (rule.apiGroups?.length) parts.push(`APIGroups:${list(rule.apiGroups)}`)
  if (rule.resources?.length) parts.push(`Resources:${list(rule.resources)}`)
  if (rule.nonResourceURLs?.length) parts.push(`NonResourceURLs:${list(rule.nonResourceURLs)}`)
  if (rule.resourceNames?.length) parts.push(`ResourceNames:${list(rule.resourceNames)}`)
  if (rule.verbs.length) parts.push(`Verbs:${list(rule.verbs)}`)
  return `{${parts.join(', ')}}`
}

/** Upstream's words for rights that are given away without being held; undefined when all are held. */
export const grantComplaint = (identity: Identity, held: readonly PolicyRule[], wanted: readonly PolicyRule[]): string | undefined => {
  // What is missing of one resource is told as one rule with several verbs.
  const missing = new Map<string, PolicyRule>()
  for (const rule of wanted)
    for (const atom of atomsOf(rule)) {
      if (held.some((each) => covers(each, atom))) continue
      const { verbs, ...what } = atom
      const key = JSON.stringify(what)
      const known = missing.get(key)
      if (!known?.verbs.includes(verbs[0] as string)) missing.set(key, { ...what, verbs: [...(known?.verbs ?? []), ...verbs] })
    }
  if (missing.size === 0) return undefined
  const lines = [...new Set([...missing.values()].map(printed))].sort()
  return `user ${quoted(identity.name)} (groups=${list(identity.groups)}) is attempting to grant RBAC permissions not currently held:\n${lines.join('\n')}`
}
