import type { JsonObject } from '@skiff/machinery'
import { listAt, mapAt, textAt, textsAt } from '../objects/fields.ts'
import { alignRows } from '../print/tab-writer.ts'
import { UsageError } from '../usage-error.ts'
import type { Invocation, Verb, VerbGroup } from '../verb.ts'

const review = async (
  { session }: Invocation,
  kind: string,
  plural: string,
  spec: JsonObject,
  group = 'authorization.k8s.io',
): Promise<JsonObject> => {
  const { http } = await session.connect()
  const body = Buffer.from(JSON.stringify({ apiVersion: `${group}/v1`, kind, spec }))
  return ((await http.raw('POST', `/apis/${group}/v1/${plural}`, { body, contentType: 'application/json' })).object ?? {}) as JsonObject
}

const canI: Verb = {
  usage: 'VERB [TYPE | TYPE/NAME | NONRESOURCEURL]',
  flags: ['all-namespaces|A:bool', 'list:bool', 'no-headers:bool', 'quiet|q:bool', 'subresource:string'],
  run: async (invocation) => {
    const { session, flags, args } = invocation
    const { namespace } = await session.connect()
    const where = flags.bool('all-namespaces') ? '' : namespace
    if (flags.bool('list')) return list(invocation, where)
    const [verb, what] = args
    if (!verb || !what)
      throw new UsageError(
        "you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'kubectl auth can-i -h' for help and examples.",
      )
    const spec: JsonObject = what.startsWith('/')
      ? { nonResourceAttributes: { verb, path: what } }
      : { resourceAttributes: await attributes(invocation, verb, what, args[2], where) }
    const answer = await review(invocation, 'SelfSubjectAccessReview', 'selfsubjectaccessreviews', spec)
    const allowed = textAt(answer, 'status.allowed') === 'true'
    const reason = textAt(answer, 'status.reason')
    const failure = textAt(answer, 'status.evaluationError')
    const why = `${reason ? ` - ${reason}` : ''}${failure ? ` - ${failure}` : ''}`
    if (!flags.bool('quiet')) session.say(allowed ? 'yes' : `no${why}`)
    return allowed ? 0 : 1
  },
}

const attributes = async (
  { session, flags }: Invocation,
  verb: string,
  what: string,
  second: string | undefined,
  namespace: string,
): Promise<JsonObject> => {
  const [type = '', name = second] = what.split('/')
  const found =
    type === '*'
      ? undefined
      : await session
          .mapping()
          .then((mapping) => mapping.resource(type))
          .catch(() => undefined)
  if (type !== '*' && !found) session.complain(`Warning: the server doesn't have a resource type '${type}'\n`)
  else if (found && !found.namespaced)
    session.complain(`Warning: resource '${found.plural}' is not namespace scoped${found.group ? ` in group '${found.group}'` : ''}\n`)
  const group = found?.group ?? (type === '*' ? '*' : type.split('.').slice(1).join('.'))
  return {
    ...(namespace ? { namespace } : {}),
    verb,
    ...(group ? { group } : {}),
    resource: found?.plural ?? (type.split('.')[0] as string),
    ...(flags.text('subresource') ? { subresource: flags.text('subresource') as string } : {}),
    ...(name ? { name } : {}),
  }
}

const list = async (invocation: Invocation, namespace: string): Promise<number> => {
  const answer = await review(invocation, 'SelfSubjectRulesReview', 'selfsubjectrulesreviews', { namespace })
  const shown = (texts: readonly string[]) => `[${texts.join(' ')}]`
  const rows = [
    ...listAt(answer, 'status.resourceRules').flatMap((rule) => {
      const names = textsAt(rule, 'resources').flatMap((resource) =>
        textsAt(rule, 'apiGroups').map((group) => (group === '' ? resource : `${resource}.${group}`)),
      )
      return names.map((name) => [name, '[]', shown(textsAt(rule, 'resourceNames')), shown(textsAt(rule, 'verbs'))])
    }),
    ...listAt(answer, 'status.nonResourceRules').map((rule) => [
      '',
      shown(textsAt(rule, 'nonResourceURLs')),
      '[]',
      shown(textsAt(rule, 'verbs')),
    ]),
  ]
  const header = ['Resources', 'Non-Resource URLs', 'Resource Names', 'Verbs']
  invocation.session.write(alignRows(invocation.flags.bool('no-headers') ? rows : [header, ...rows]))
  return 0
}

const whoAmI: Verb = {
  usage: '',
  flags: ['output|o:string'],
  run: async (invocation) => {
    const { session, flags } = invocation
    const answer = await review(invocation, 'SelfSubjectReview', 'selfsubjectreviews', {}, 'authentication.k8s.io')
    const output = flags.text('output')
    if (output) {
      const { printerOf } = await import('../print/printer.ts')
      session.write(printerOf(output)?.(answer) ?? '')
      return 0
    }
    const user = mapAt(answer, 'status.userInfo')
    const extra = Object.entries(mapAt(user, 'extra')).sort(([a], [b]) => (a < b ? -1 : 1))
    const rows = [
      ['ATTRIBUTE', 'VALUE'],
      ['Username', textAt(user, 'username')],
      ...(textAt(user, 'uid') ? [['UID', textAt(user, 'uid')]] : []),
      ...(textsAt(user, 'groups').length > 0 ? [['Groups', `[${textsAt(user, 'groups').join(' ')}]`]] : []),
      ...extra.map(([key, value]) => [`Extra: ${key}`, `[${(value as readonly string[]).join(' ')}]`]),
    ]
    session.write(alignRows(rows))
    return 0
  },
}

export const auth: VerbGroup = { parts: { 'can-i': canI, whoami: whoAmI } }
