import type { ServedResource } from '@skiff/client'
import { parseLabelSelector } from '@skiff/machinery'
import type { FlagSpec, Flags } from '../flags.ts'
import type { Session } from '../session.ts'
import { ManyErrors, UsageError } from '../usage-error.ts'
import type { Dynamic } from './fields.ts'
import type { Info } from './info.ts'
import { readInfos } from './manifests.ts'

/** What the words after a verb name: resources, each with the names asked for; none means all. */
export interface Named {
  readonly resource: ServedResource
  readonly names: readonly string[]
}

export const fileFlags: readonly FlagSpec[] = ['filename|f:list', 'recursive|R:bool', 'kustomize|k:string']
export const selectFlags: readonly FlagSpec[] = ['selector|l:string', 'field-selector:string', 'all-namespaces|A:bool', 'all:bool']

const mixedForms =
  "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'"

/** `pods a b`, `pods,svc`, `all`, `pod/a svc/b`. */
export const readResourceWords = async (session: Session, words: readonly string[]): Promise<Named[]> => {
  const mapping = await session.mapping()
  if (words.some((word) => word.includes('/'))) {
    const named: { resource: ServedResource; names: string[] }[] = []
    for (const word of words) {
      const [type = '', name, ...more] = word.split('/')
      if (name === undefined) throw new UsageError(mixedForms)
      if (more.length > 0) throw new UsageError(`arguments in resource/name form may not have more than one slash`)
      if (type === '' || name === '') throw new UsageError('arguments in resource/name form must have a single resource and name')
      const resource = mapping.resource(type)
      const last = named.at(-1)
      if (last?.resource === resource) last.names.push(name)
      else named.push({ resource, names: [name] })
    }
    return named
  }
  const [types = '', ...names] = words
  const resources = types
    .split(',')
    .filter((type) => type !== '')
    .flatMap((type) => mapping.resources(type))
  return resources.map((resource) => ({ resource, names }))
}

/** The query that --selector and --field-selector make. */
export const selectorQuery = (flags: Flags): Record<string, string> => {
  const [labels, fields] = [flags.text('selector'), flags.text('field-selector')]
  return { ...(labels ? { labelSelector: labels } : {}), ...(fields ? { fieldSelector: fields } : {}) }
}

/** What kubectl says where neither files nor words name anything. */
export const needSomething =
  "You must provide one or more resources by argument or filename.\nExample resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'\n   '<resource> <name>'\n   '<resource>'"
const needType = 'at least one resource must be specified to use a selector'

export interface SelectOptions {
  readonly flags: Flags
  readonly words: readonly string[]
  /** A type that the words need not name. */
  readonly type?: string
  /** True: a resource without names means all its objects even without --all or a selector. */
  readonly allByDefault?: boolean
  /** False: objects of arguments are not read. */
  readonly read?: boolean
}

const listPage = '500'

/** All objects of a resource, page by page. `namespace` '' is all of them. */
export const listAll = async (
  session: Session,
  resource: ServedResource,
  namespace: string,
  query: Record<string, string>,
): Promise<Dynamic[]> => {
  const { client } = await session.connect()
  const items: Dynamic[] = []
  let next = ''
  do {
    const target = resource.namespaced && namespace !== '' ? { namespace } : {}
    const page = await client.list(resource, target, { query: { ...query, limit: listPage, ...(next ? { continue: next } : {}) } })
    for (const item of page.items) items.push({ ...item, apiVersion: resource.apiVersion, kind: resource.kind } as Dynamic)
    next = page.metadata.continue ?? ''
  } while (next !== '')
  return items
}

const required = (): never => {
  throw new UsageError('resource(s) were provided, but no name was specified')
}

/** The objects that files, words and selectors name. Missing ones are told together after the others, as ManyErrors. */
export const selectObjects = async (session: Session, options: SelectOptions): Promise<Info[]> => {
  const { flags } = options
  const read = options.read ?? true
  const files = flags.list('filename')
  if (flags.text('kustomize')) throw new UsageError('kustomizations are not supported')
  const inFiles = files.length > 0 ? await readInfos(session, files, { recursive: flags.bool('recursive') }) : []
  const fromFiles = selectedBy(flags, inFiles)
  const words =
    options.type && options.words.length > 0 && !options.words[0]?.includes('/') ? [options.type, ...options.words] : options.words
  if (files.length > 0 && words.length > 0)
    throw new UsageError('when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well')
  if (files.length === 0 && words.length === 0) throw new UsageError(flags.bool('all') || flags.text('selector') ? needType : needSomething)
  const named = words.length > 0 ? await readResourceWords(session, words) : []
  if (named.some(({ names }) => names.length > 0)) {
    if (flags.text('selector') || flags.bool('all')) throw new UsageError('name cannot be provided when a selector is specified')
  } else if (flags.bool('all') && flags.text('selector')) throw new UsageError("setting 'all' parameter but found a non empty selector. ")
  const infos: Info[] = []
  const errors: unknown[] = []
  for (const info of fromFiles) await fetchInto(session, info, read, infos, errors)
  for (const each of named) {
    if (each.names.length === 0) infos.push(...(await listed(session, each.resource, options)))
    else for (const name of each.names) await fetchInto(session, await placed(session, each.resource, name), read, infos, errors)
  }
  if (errors.length > 0 && infos.length === 0) throw errors.length === 1 ? errors[0] : new ManyErrors(errors)
  for (const error of errors) pending(infos).push(error)
  return infos
}

/** Of what files hold, that which --selector chooses. */
export const selectedBy = (flags: Flags, infos: readonly Info[]): readonly Info[] => {
  const text = flags.text('selector')
  if (!text) return infos
  const selector = parseLabelSelector(text)
  return infos.filter(({ object }) => selector.matches(object?.metadata.labels ?? {}))
}

const late = new WeakMap<readonly Info[], unknown[]>()
const pending = (infos: readonly Info[]): unknown[] => {
  const errors = late.get(infos) ?? []
  late.set(infos, errors)
  return errors
}
/** Throws what selectObjects could not find besides what it found. */
export const throwMissing = (infos: readonly Info[]): void => {
  const errors = late.get(infos) ?? []
  if (errors.length > 0) throw errors.length === 1 ? errors[0] : new ManyErrors(errors)
}

const placed = async (session: Session, resource: ServedResource, name: string): Promise<Info> => {
  const { namespace } = await session.connect()
  return { resource, name, namespace: resource.namespaced ? namespace : '' }
}

const fetchInto = async (session: Session, info: Info, read: boolean, infos: Info[], errors: unknown[]): Promise<void> => {
  if (!read) return void infos.push(info)
  try {
    infos.push(await fetchInfo(session, info))
  } catch (error) {
    errors.push(error)
  }
}

/** Reads an object anew. */
export const fetchInfo = async (session: Session, info: Info): Promise<Info> => {
  const { client } = await session.connect()
  const target = { name: info.name, ...(info.resource.namespaced ? { namespace: info.namespace } : {}) }
  return { ...info, object: (await client.get(info.resource, target)) as Dynamic }
}

const listed = async (session: Session, resource: ServedResource, { flags, allByDefault }: SelectOptions): Promise<Info[]> => {
  const query = selectorQuery(flags)
  if (!allByDefault && !flags.bool('all') && Object.keys(query).length === 0) required()
  const { namespace } = await session.connect()
  const objects = await listAll(session, resource, flags.bool('all-namespaces') ? '' : namespace, query)
  return objects.map((object) => ({ resource, name: object.metadata.name, namespace: object.metadata.namespace ?? '', object }))
}
