import type { ServedResource } from '@skiff/client'
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
    if (args.length > 0) throw new UsageError(`unexpected arguments: [${args.join(' ')}]`, 1, true)
    const output = flags.text('output') ?? ''
    if (!['', 'name', 'kind'].includes(flags.text('sort-by') ?? '')) throw new UsageError('--sort-by accepts only name or kind')
    if (!['', 'wide', 'name'].includes(output)) throw new UsageError(`--output ${output} is not available`)
    const { resources } = await session.discover()
    const found = resources.filter((each) => each.preferred && wanted(flags)(each)).sort((a, b) => order(a, b, flags.text('sort-by')))
    if (output === 'name') {
      for (const { plural, group } of found) session.say(group === '' ? plural : `${plural}.${group}`)
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
