import type { ServedResource } from '@skiff/client'
import { dumpYaml } from '@skiff/machinery'
import type { Flags } from '../flags.ts'
import { alignRows } from '../print/tab-writer.ts'
import { UsageError } from '../usage-error.ts'
import type { Verb } from '../verb.ts'

const wanted =
  (flags: Flags) =>
  (each: ServedResource): boolean =>
    (!flags.has('api-group') || each.group === flags.text('api-group')) &&
    (!flags.has('namespaced') || each.namespaced === flags.bool('namespaced')) &&
    flags.list('verbs').every((verb) => each.verbs.includes(verb)) &&
    flags.list('categories').every((category) => each.categories.includes(category)) &&
    each.verbs.length > 0

export const apiResources: Verb = {
  usage: '[flags]',
  flags: [
    'api-group:string',
    'namespaced:bool=true',
    'no-headers:bool',
    'output|o:string',
    'verbs:list',
    'categories:list',
    'sort-by:string',
    'cached:bool',
  ],
  run: async ({ session, flags, args }) => {
    if (args.length > 0) throw new UsageError(`unexpected arguments: [${args.join(' ')}]`)
    const output = flags.text('output') ?? ''
    if (!['', 'wide', 'name', 'json', 'yaml'].includes(output)) throw new UsageError(`--output ${output} is not available`)
    const { resources } = await session.discover()
    const found = resources.filter((each) => each.preferred && wanted(flags)(each)).sort((a, b) => order(a, b, flags.text('sort-by')))
    if (output === 'name') {
      for (const { plural, group } of found.toSorted((a, b) => (fullOf(a) < fullOf(b) ? -1 : 1)))
        session.say(group === '' ? plural : `${plural}.${group}`)
      return 0
    }
    if (output === 'json' || output === 'yaml') {
      const value = {
        kind: 'APIResourceList',
        apiVersion: 'v1',
        groupVersion: '',
        resources: found.map(({ plural, singular, namespaced, kind, verbs }) => ({
          name: plural,
          singularName: singular,
          namespaced,
          kind,
          verbs,
        })),
      }
      session.write(output === 'json' ? `${JSON.stringify(value, null, '    ')}\n` : dumpYaml(value))
      return 0
    }
    const wide = output === 'wide'
    const rows = found.map((each) => [
      ...[each.plural, each.shortNames.join(','), each.apiVersion, String(each.namespaced), each.kind],
      ...(wide ? [each.verbs.toSorted().join(','), each.categories.join(',')] : []),
    ])
    const header = ['NAME', 'SHORTNAMES', 'APIVERSION', 'NAMESPACED', 'KIND', ...(wide ? ['VERBS', 'CATEGORIES'] : [])]
    session.write(alignRows(flags.bool('no-headers') ? rows : [header, ...rows]))
    return 0
  },
}

const fullOf = (each: ServedResource): string => `${each.plural}.${each.group}`
const order = (a: ServedResource, b: ServedResource, by: string | undefined): number => {
  const keyOf = (each: ServedResource) => (by === 'name' ? [each.plural] : by === 'kind' ? [each.kind] : [each.group, each.plural])
  const [left, right] = [keyOf(a), keyOf(b)]
  const at = left.findIndex((part, i) => part !== right[i])
  return at < 0 ? 0 : (left[at] as string) < (right[at] as string) ? -1 : 1
}

export const apiVersions: Verb = {
  usage: '',
  flags: ['cached:bool'],
  run: async ({ session }) => {
    const { versions } = await session.discover()
    for (const version of versions.toSorted((a, b) => (a < b ? -1 : 1))) session.say(version)
    return 0
  },
}
