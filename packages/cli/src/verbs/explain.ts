import type { ServedResource } from '@skiff/client'
import { goText, type JsonObject, sameJson, sortedKeys } from '@skiff/machinery'
import { explainSchema } from '../explain/schema-text.ts'
import { at, listAt, mapAt, textAt } from '../objects/fields.ts'
import type { Session } from '../session.ts'
import { SilentExit, UsageError } from '../usage-error.ts'
import type { Verb } from '../verb.ts'

interface Asked {
  readonly resource: ServedResource
  readonly path: readonly string[]
}

interface Target {
  readonly group: string
  readonly version: string
  readonly plural: string
}

/** `deploy.spec.template`, or with the group: `deployments.apps.spec`. */
const readAsked = async (session: Session, text: string): Promise<Asked> => {
  const mapping = await session.mapping()
  const [word = '', ...fields] = text.replace(/\.$/, '').split('.')
  const { resources } = await session.discover()
  const whole = resources.find(({ plural, group }) => group !== '' && `${text}.`.startsWith(`${plural}.${group}.`))
  if (whole)
    return {
      resource: mapping.resource(`${whole.plural}.${whole.group}`),
      path: splitPath(text.slice(`${whole.plural}.${whole.group}`.length)),
    }
  return { resource: mapping.resource(word), path: fields }
}
const splitPath = (text: string): string[] => text.split('.').filter((part) => part !== '')

/** The OpenAPI document of a group version. */
const fetchDocument = async (session: Session, { group, version, plural }: Target): Promise<JsonObject> => {
  const { http } = await session.connect()
  const index = (await http.raw('GET', '/openapi/v3')).object as JsonObject | undefined
  const key = group === '' ? `api/${version}` : `apis/${group}/${version}`
  const url = textAt(at(index, 'paths'), [key, 'serverRelativeURL'])
  if (url === '') throw new UsageError(`couldn't find resource for "${group}/${version}, Resource=${plural}"`)
  return (await http.raw('GET', url)).object as unknown as JsonObject
}

/** The kind that a resource's paths serve. */
const kindAt = (document: JsonObject, { group, version, plural }: Target): JsonObject | undefined => {
  const prefix = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
  const collections = [`${prefix}/${plural}`, `${prefix}/namespaces/{namespace}/${plural}`]
  let found: JsonObject | undefined
  // The last path that tells wins; within a path the first method.
  for (const path of collections.flatMap((collection) => [collection, `${collection}/{name}`])) {
    const methods = ['get', 'post', 'put', 'patch', 'delete'].map((method) =>
      at(document, ['paths', path, method, 'x-kubernetes-group-version-kind']),
    )
    found = (methods.find((kind) => kind !== undefined) as JsonObject | undefined) ?? found
  }
  return found
}

const schemaOf = (document: JsonObject, kind: JsonObject): JsonObject | undefined => {
  const schemas = mapAt(document, 'components.schemas')
  const name = sortedKeys(schemas).find((each) =>
    listAt(schemas[each], ['x-kubernetes-group-version-kind']).some((served) => sameJson(served, kind)),
  )
  return name === undefined ? undefined : mapAt(schemas, [name])
}

export const explain: Verb = {
  usage: 'TYPE [--recursive=FALSE|TRUE] [--api-version=api-version-group] [--output=plaintext|plaintext-openapiv2]',
  flags: ['recursive:bool', 'api-version:string', 'output|o:string=plaintext'],
  run: async ({ session, flags, args }) => {
    if (args.length === 0)
      throw new UsageError(
        'You must specify the type of resource to explain. Use "kubectl api-resources" for a complete list of supported resources.',
      )
    if (args.length > 1) throw new UsageError('We accept only this format: explain RESOURCE')
    const { resource, path } = await readAsked(session, args[0] as string).catch((error: Error) => {
      // kubectl tells this one as it is.
      if (!error.message.startsWith("the server doesn't have a resource type")) throw error
      session.complain(error.message)
      throw new SilentExit(1)
    })
    const [group, version] = splitVersion(flags.text('api-version') || resource.apiVersion)
    const target = { group, version, plural: resource.plural }
    const document = await fetchDocument(session, target)
    const kind = kindAt(document, target)
    const name = `${group}/${version}, Resource=${resource.plural}`
    if (!kind) throw new UsageError(`GVR (${name}) not found in OpenAPI schema`)
    session.write(
      `${kind.group ? `GROUP:      ${kind.group}\n` : ''}KIND:       ${textAt(kind, 'kind')}\nVERSION:    ${textAt(kind, 'version')}\n\n`,
    )
    const schema = schemaOf(document, kind)
    if (!schema) throw new UsageError(`GVK ${goText(kind)} not found in OpenAPI schema`)
    const text = explainSchema(schema, path, { document, recursive: flags.bool('recursive') })
    if (text === '') throw new UsageError(`field ${JSON.stringify(path.at(-1))} does not exist`)
    session.write(`${text}\n`)
    return 0
  },
}

const splitVersion = (apiVersion: string): [group: string, version: string] => {
  const slash = apiVersion.indexOf('/')
  return slash < 0 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)]
}
