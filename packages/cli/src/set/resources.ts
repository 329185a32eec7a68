import { canonicalQuantity, type JsonObject } from '@skiff/machinery'
import { listAt, mapAt } from '../objects/fields.ts'
import { UsageError } from '../usage-error.ts'
import type { Verb } from '../verb.ts'
import { changeObjects, nameMatches, setFlags, withContainers, withPodSpec } from './pod-spec.ts'

const lists = ['initContainers', 'containers']

const readAmounts = (text: string): JsonObject => {
  const amounts: Record<string, string> = {}
  for (const part of text === '' ? [] : text.split(',')) {
    const [name = '', value, ...more] = part.split('=')
    if (value === undefined || more.length > 0) throw new UsageError(`Invalid argument syntax ${part}, expected <resource>=<value>`)
    try {
      amounts[name] = canonicalQuantity(value)
    } catch {
      throw new UsageError("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
    }
  }
  return amounts
}

export const resources: Verb = {
  usage: '(-f FILENAME | TYPE NAME)  ([--limits=LIMITS & --requests=REQUESTS]',
  flags: [...setFlags, 'containers|c:string=*', 'limits:string', 'requests:string'],
  run: async (invocation) => {
    const { flags, args } = invocation
    const [limits, requests] = [flags.text('limits') ?? '', flags.text('requests') ?? '']
    if (flags.bool('all') && flags.text('selector')) throw new UsageError('cannot set --all and --selector at the same time')
    if (limits === '' && requests === '')
      throw new UsageError('you must specify an update to requests or limits (in the form of --requests/--limits)')
    const wanted = Object.entries({ limits: readAmounts(limits), requests: readAmounts(requests) }).filter(
      ([, amounts]) => Object.keys(amounts).length > 0,
    )
    const pattern = flags.text('containers') ?? '*'
    return changeObjects(invocation, {
      words: args,
      done: 'resource requirements updated',
      failed: 'failed to patch resources update to pod template',
      next: (object, errors) =>
        withPodSpec(object, (spec) => {
          if (!lists.flatMap((key) => listAt(spec, key)).some((container) => nameMatches(container, pattern)))
            errors.push(new UsageError(`error: unable to find container named ${pattern}`))
          const change = (container: JsonObject): JsonObject => {
            if (!nameMatches(container, pattern)) return container
            const held = mapAt(container, 'resources')
            const sides = wanted.map(([side, amounts]) => [side, { ...mapAt(held, side), ...amounts }])
            return { ...container, resources: { ...held, ...Object.fromEntries(sides) } }
          }
          return lists.reduce((changed, key) => withContainers(changed, key, change), spec)
        }),
    })
  },
}
