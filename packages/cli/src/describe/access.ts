import type { JsonObject } from '@skiff/machinery'
import { listAt, textAt, textsAt } from '../objects/fields.ts'
import { line, listText, nameLine, tagLines } from './lines.ts'
import type { Describer } from './look.ts'

interface Rule {
  readonly verbs: readonly string[]
  readonly groups: readonly string[]
  readonly resources: readonly string[]
  readonly names: readonly string[]
  readonly urls: readonly string[]
}

/** A rule as many: each with one verb, one resource of one group, one name at most; or with one URL. */
const broken = (rule: JsonObject): Rule[] => {
  const [verbs, groups, resources, names, urls] = ['verbs', 'apiGroups', 'resources', 'resourceNames', 'nonResourceURLs'].map((key) =>
    textsAt(rule, key),
  ) as [readonly string[], readonly string[], readonly string[], readonly string[], readonly string[]]
  const each = names.length === 0 ? [[]] : names.map((name) => [name])
  return [
    ...groups.flatMap((group) =>
      resources.flatMap((resource) =>
        verbs.flatMap((verb) => each.map((one): Rule => ({ verbs: [verb], groups: [group], resources: [resource], names: one, urls: [] }))),
      ),
    ),
    ...urls.flatMap((url) => verbs.map((verb): Rule => ({ verbs: [verb], groups: [], resources: [], names: [], urls: [url] }))),
  ]
}

/** The verbs of one resource and name come together; URLs stay apart. */
const compact = (rules: readonly Rule[]): Rule[] => {
  const simple = new Map<string, Rule>()
  const others: Rule[] = []
  for (const rule of rules) {
    if (rule.urls.length > 0) {
      others.push(rule)
      continue
    }
    const key = JSON.stringify([rule.groups, rule.resources, rule.names])
    const held = simple.get(key)
    const more = rule.verbs.filter((verb) => !held?.verbs.includes(verb))
    simple.set(key, held ? { ...held, verbs: [...held.verbs, ...more] } : rule)
  }
  return [...others, ...simple.values()]
}

// The order is that of the rules' texts as Go prints them.
const ruleText = ({ verbs, groups, resources, names, urls }: Rule): string =>
  `&PolicyRule{Verbs:${listText(verbs)},APIGroups:${listText(groups)},Resources:${listText(resources)},ResourceNames:${listText(names)},NonResourceURLs:${listText(urls)},}`

const resourceText = ({ resources, groups }: Rule): string => {
  const [resource] = resources
  if (resource === undefined) return ''
  const slash = resource.indexOf('/')
  const [name, part] = slash < 0 ? [resource, ''] : [resource.slice(0, slash), resource.slice(slash)]
  return `${name}${groups[0] ? `.${groups[0]}` : ''}${part}`
}

export const describeRole: Describer = async (role) => {
  const rules = compact(listAt(role, 'rules').flatMap(broken)).sort((a, b) => (ruleText(a) < ruleText(b) ? -1 : 1))
  return [
    nameLine(role),
    ...tagLines(role),
    'PolicyRule:',
    line(1, 'Resources\tNon-Resource URLs\tResource Names\tVerbs'),
    line(1, '---------\t-----------------\t--------------\t-----'),
    ...rules.map((rule) => line(1, [resourceText(rule), ...[rule.urls, rule.names, rule.verbs].map(listText)].join('\t'))),
  ]
}

export const describeBinding: Describer = async (binding) => [
  nameLine(binding),
  ...tagLines(binding),
  'Role:',
  line(1, `Kind:\t${textAt(binding, 'roleRef.kind')}`),
  line(1, `Name:\t${textAt(binding, 'roleRef.name')}`),
  'Subjects:',
  line(1, 'Kind\tName\tNamespace'),
  line(1, '----\t----\t---------'),
  ...listAt(binding, 'subjects').map((each) => line(1, [textAt(each, 'kind'), textAt(each, 'name'), textAt(each, 'namespace')].join('\t'))),
]
