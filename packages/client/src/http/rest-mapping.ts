import { removalOf } from '@skiff/api'
import { splitApiVersion } from '@skiff/machinery'
import type { Discovered, ServedResource } from './discovery.ts'

/** From the words of users, and from objects, to what the server serves. */
export interface RestMapping {
  /** `po`, `pods`, `Pod`, `deploy.apps`, `deployments.v1.apps`. Throws `the server doesn't have a resource type "x"`. */
  resource(word: string): ServedResource
  /** The resources of a word that may also be a category (`all`). */
  resources(word: string): ServedResource[]
  /** The resource that serves a kind. Throws kubectl's `no matches for kind`. */
  kind(apiVersion: string, kind: string): ServedResource
}

const order = (a: ServedResource, b: ServedResource): number => Number(b.preferred) - Number(a.preferred)

/** `all` in the order in which kubectl prints it. */
const allOrder = [
  'pods',
  'replicationcontrollers',
  'services',
  'daemonsets',
  'deployments',
  'replicasets',
  'statefulsets',
  'horizontalpodautoscalers',
  'cronjobs',
  'jobs',
]

const nameOf = ({ plural, group }: ServedResource): string => (group === '' ? plural : `${plural}.${group}`)
const namesOf = (resources: readonly ServedResource[]): ReadonlySet<string> => new Set(resources.map(nameOf))

const splitWord = (word: string): { name: string; version?: string; group?: string }[] => {
  const [name = '', ...rest] = word.split('.')
  if (rest.length === 0) return [{ name }]
  const [version = '', ...group] = rest
  const whole = { name, group: rest.join('.') }
  return rest.length === 1 && !/^v\d/.test(version) ? [whole] : [{ name, version, group: group.join('.') }, whole]
}

/** A version that upstream removed can be had from a cluster that is made for it. */
const noMatches = (kind: string, apiVersion: string): Error => {
  const text = `no matches for kind "${kind}" in version "${apiVersion}"\nensure CRDs are installed first`
  const why = removalOf(apiVersion)
  return new Error(why ? `${text}\n${why}` : text)
}

const removalOfWord = (word: string): string => {
  const [, version = '', ...group] = word.split('.')
  const why = removalOf(`${group.join('.')}/${version}`)
  return why ? `\n${why}` : ''
}

/** `warn` hears of short names that several resources have; the first one of the server's order is meant. */
export const restMapping = ({ resources }: Discovered, warn: (text: string) => void = () => {}): RestMapping => {
  const main = resources.filter(({ verbs }) => verbs.length > 0)
  const find = (word: string): ServedResource | undefined => {
    for (const { name, version, group } of splitWord(word)) {
      const lower = name.toLowerCase()
      const fits = main
        .filter((each) => (group === undefined || each.group === group) && (version === undefined || each.version === version))
        .sort(order)
      const isShort = (each: ServedResource): boolean => each.shortNames.includes(lower)
      const tests: ((each: ServedResource) => boolean)[] = [
        (each) => each.plural === lower,
        (each) => each.singular === lower || each.kind.toLowerCase() === lower,
        isShort,
      ]
      for (const test of tests) {
        const found = fits.find(test)
        if (found && test === isShort)
          for (const other of namesOf(fits.filter(isShort)))
            if (other !== nameOf(found)) warn(`short name ${JSON.stringify(lower)} could also match lower priority resource ${other}`)
        if (found) return found
      }
      // A group may be told by its first part: `deploy.apps`, `ing.networking`.
      if (group) {
        const begun = main.filter((each) => each.group.startsWith(`${group}.`)).sort(order)
        for (const test of tests) {
          const found = begun.find(test)
          if (found) return found
        }
      }
    }
    return undefined
  }
  const resource = (word: string): ServedResource => {
    const found = find(word)
    if (!found) throw new Error(`the server doesn't have a resource type "${word}"${removalOfWord(word)}`)
    return found
  }
  return {
    resource,
    resources: (word) => {
      const inCategory = main.filter(
        (each) => each.preferred && each.categories.includes(word.toLowerCase()) && each.verbs.includes('list'),
      )
      if (inCategory.length === 0) return [resource(word)]
      const rank = (each: ServedResource) => (allOrder.indexOf(each.plural) + allOrder.length + 1) % (allOrder.length + 1)
      return word === 'all' ? inCategory.sort((a, b) => rank(a) - rank(b)) : inCategory
    },
    kind: (apiVersion, kind) => {
      const { group, version } = splitApiVersion(apiVersion)
      const found = main.find((each) => each.kind === kind && each.group === group && each.version === version)
      if (!found) throw noMatches(kind, apiVersion)
      return found
    },
  }
}
