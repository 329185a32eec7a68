import type { JsonObject } from '@skiff/machinery'
import { listAt, mapAt, textAt, textsAt } from '../objects/fields.ts'
import { typedJson } from '../objects/writing.ts'
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

const knownVerbs = new Set(
  'get list watch create update patch delete deletecollection use bind impersonate escalate approve sign attest proxy *'.split(' '),
)

const canI: Verb = {
  usage: 'VERB [TYPE | TYPE/NAME | NONRESOURCEURL]',
  flags: ['all-namespaces|A:bool', 'list:bool', 'no-headers:bool', 'quiet|q:bool', 'subresource:string'],
  run: async (invocation) => {
    const { session, flags, args } = invocation
    const { namespace } = await session.connect()
    const where = flags.bool('all-namespaces') ? '' : namespace
    if (flags.bool('list')) return list(invocation, where)
    const [verb, what] = args
    if (!verb || !what || args.length > 2)
      throw new UsageError(
        "you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'kubectl auth can-i -h' for help and examples.",
      )
    if (!knownVerbs.has(verb)) session.complain(`Warning: verb '${verb}' is not a known verb\n`)
    const spec: JsonObject = what.startsWith('/')
      ? { nonResourceAttributes: { verb, path: what } }
      : { resourceAttributes: await attributes(invocation, verb, what, where) }
    const answer = await review(invocation, 'SelfSubjectAccessReview', 'selfsubjectaccessreviews', spec)
    const allowed = textAt(answer, 'status.allowed') === 'true'
    const reason = textAt(answer, 'status.reason')
    const failure = textAt(answer, 'status.evaluationError')
    const why = `${reason ? ` - ${reason}` : ''}${failure ? ` - ${failure}` : ''}`
    if (!flags.bool('quiet')) session.say(allowed ? 'yes' : `no${why}`)
    return allowed ? 0 : 1
  },
}

const attributes = async ({ session, flags }: Invocation, verb: string, what: string, namespace: string): Promise<JsonObject> => {
  const [type = '', name] = what.split('/')
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

interface Rule {
  readonly verbs: readonly string[]
  readonly resource: string
  readonly group: string
  readonly name: string
  readonly url: string
}

/** A rule as Go prints it, by which kubectl sorts. */
const sortKey = ({ verbs, group, resource, name, url }: Rule): string =>
  url === ''
    ? `Verbs:[${verbs.join(' ')}],APIGroups:[${group}],Resources:[${resource}],ResourceNames:[${name}],NonResourceURLs:[],`
    : `Verbs:[${verbs.join(' ')}],APIGroups:[],Resources:[],ResourceNames:[],NonResourceURLs:[${url}],`

/** One rule a resource and name or URL; those of one resource are joined. */
const brokenDown = (answer: JsonObject): Rule[] => {
  const byResource = new Map<string, Rule>()
  for (const rule of listAt(answer, 'status.resourceRules'))
    for (const group of textsAt(rule, 'apiGroups'))
      for (const resource of textsAt(rule, 'resources'))
        for (const name of textsAt(rule, 'resourceNames').length > 0 ? textsAt(rule, 'resourceNames') : ['']) {
          const key = [group, resource, name].join('/')
          const verbs = [...(byResource.get(key)?.verbs ?? []), ...textsAt(rule, 'verbs')]
          byResource.set(key, { group, resource, name, url: '', verbs: [...new Set(verbs)] })
        }
  const urls = listAt(answer, 'status.nonResourceRules').flatMap((rule) =>
    textsAt(rule, 'nonResourceURLs').map((url) => ({ url, verbs: textsAt(rule, 'verbs'), group: '', resource: '', name: '' })),
  )
  return [...byResource.values(), ...urls].sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : sortKey(a) > sortKey(b) ? 1 : 0))
}

const list = async (invocation: Invocation, namespace: string): Promise<number> => {
  const answer = await review(invocation, 'SelfSubjectRulesReview', 'selfsubjectrulesreviews', { namespace })
  const rows = brokenDown(answer).map(({ verbs, group, resource, name, url }) => [
    group === '' ? resource : `${resource}.${group}`,
    `[${url}]`,
    `[${name}]`,
    `[${verbs.join(' ')}]`,
  ])
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
      const resource = (await session.mapping()).kind('authentication.k8s.io/v1', 'SelfSubjectReview')
      session.write(output === 'json' ? typedJson(resource, answer) : (printerOf(output)?.(answer) ?? ''))
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
