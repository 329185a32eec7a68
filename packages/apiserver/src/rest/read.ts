import { posix } from 'node:path'
import type { Kind } from '@skiff/api'
import type { Call } from '@skiff/client'
import { badRequest, expired, goKindOf, isJsonObject, type Json, notFound, parseJson, Refusal } from '@skiff/machinery'
import type { Cache } from '../registry/cache.ts'
import { prepareServed } from '../registry/converting.ts'
import type { Entry } from '../registry/entry.ts'
import { goneRevision, keepTree, treeAt } from '../registry/past.ts'
import { countOf, entriesOf, find, type Run, runs, type Tree } from '../registry/tree.ts'
import { keyOfCall, namedOf, queryValue, type Request, type Rest } from './context.ts'
import { checkVersion, type ListOptions, listOptions, type Match, matchServed } from './list-options.ts'

/** A page of a list: runs of the tree where everything matches, single entries where a selector chose. */
export interface Page {
  readonly kind: Kind
  readonly revision: number
  readonly runs?: readonly Run[]
  readonly entries?: readonly Entry[]
  readonly continue?: string
  readonly remaining?: number
}

export const getOne = async (rest: Rest, { call, kind }: Request, named = namedOf(kind)): Promise<Entry> => {
  const cache = await rest.storage.cache(rest.registry.stored(kind))
  const version = queryValue(call, 'resourceVersion') ?? ''
  checkVersion(version)
  if (version === '') await rest.storage.fresh()
  else if (version !== '0') await waitFor(rest, Number(version))
  const entry = find(cache.tree, keyOfCall(kind, call))
  if (!entry) throw notFound(named, call.name ?? '')
  await prepareServed(kind, [entry])
  return entry
}

/** How long a read waits for a revision that this server has not seen, as upstream's watch cache does. */
const waitMs = 3000

export const waitFor = async (rest: Rest, revision: number): Promise<void> => {
  if (revision <= rest.storage.seen || revision <= (await rest.storage.fresh())) return
  const deadline = rest.env.monotonicMs() + waitMs
  while (rest.env.monotonicMs() < deadline) {
    await rest.env.sleep(50)
    if (revision <= rest.storage.seen) return
  }
  throw new Refusal(504, 'Timeout', `Timeout: Too large resource version: ${revision}, current: ${rest.storage.seen}`, {
    retryAfterSeconds: 1,
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
  })
}

export const list = async (rest: Rest, { call, kind }: Request): Promise<Page> => {
  const options = listOptions(kind, call, rest.gates)
  const cache = await rest.storage.cache(rest.registry.stored(kind))
  const start = await startOf(rest, cache, options)
  const prefix = kind.namespaced && call.namespace !== undefined ? `${call.namespace}/` : ''
  if (options.match && kind.conversion?.prepare) await prepareServed(kind, [...entriesOf(start.tree, prefix, start.after)])
  const page = options.match
    ? selectedPage(kind, start.tree, prefix, start.after, options, call)
    : wholePage(start.tree, prefix, start.after, options.limit)
  const more = page.last === undefined ? {} : { continue: encodeContinue(start.revision, page.last) }
  if (page.last !== undefined) keepTree(cache, start.revision, start.tree)
  // Upstream counts what remains only where no selector makes it guess.
  const remaining = page.last !== undefined && !options.selected ? { remaining: countOf(start.tree, prefix, page.last) } : {}
  if (kind.conversion?.prepare) await prepareServed(kind, entriesIn(page))
  return { kind, revision: start.revision, ...page.found, ...more, ...remaining }
}

interface Start {
  readonly tree: Tree
  readonly revision: number
  readonly after: string
}

const startOf = async (rest: Rest, cache: Cache, options: ListOptions): Promise<Start> => {
  if (options.continue !== '') {
    const token = decodeContinue(options.continue)
    if (options.resourceVersion !== '' && options.resourceVersion !== '0')
      throw badRequest('specifying resource version is not allowed when using continue')
    if (token.revision < 0) return { tree: cache.tree, revision: await rest.storage.fresh(), after: token.after }
    const tree = treeAt(cache, token.revision)
    if (!tree) {
      const refusal = goneRevision()
      const status = { ...refusal.status, metadata: { continue: encodeContinue(-1, token.after) } }
      throw Object.assign(refusal, { status })
    }
    return { tree, revision: token.revision, after: token.after }
  }
  if (options.resourceVersion === '') {
    const revision = await rest.storage.fresh()
    return { tree: cache.tree, revision, after: '' }
  }
  const asked = Number(options.resourceVersion)
  if (asked > 0) await waitFor(rest, asked)
  // A limit with an exact version and no match asks for that very version, as upstream has it.
  if (options.resourceVersionMatch === 'Exact' || (options.resourceVersionMatch === '' && options.limit > 0 && asked > 0)) {
    const tree = treeAt(cache, asked)
    if (!tree) throw expired('The resourceVersion for the provided list is too old.')
    return { tree, revision: asked, after: '' }
  }
  return { tree: cache.tree, revision: rest.storage.seen, after: '' }
}

interface Found {
  readonly found: { readonly runs: readonly Run[] } | { readonly entries: readonly Entry[] }
  /** The key of the last entry, when there is more behind it. */
  readonly last: string | undefined
}

const wholePage = (tree: Tree, prefix: string, after: string, limit: number): Found => {
  const taken: Run[] = []
  let left = limit > 0 ? limit : Number.POSITIVE_INFINITY
  for (const run of runs(tree, prefix, after)) {
    if (left === 0) return { found: { runs: taken }, last: lastKey(taken) }
    const count = Math.min(run.to - run.from, left)
    taken.push(count === run.to - run.from ? run : { ...run, to: run.from + count })
    left -= count
    if (count < run.to - run.from) return { found: { runs: taken }, last: lastKey(taken) }
  }
  return { found: { runs: taken }, last: undefined }
}

const lastKey = (taken: readonly Run[]): string => {
  const run = taken[taken.length - 1] as Run
  return (run.leaf.entries[run.to - 1] as Entry).key
}

const entriesIn = ({ found }: Found): readonly Entry[] =>
  'entries' in found ? found.entries : found.runs.flatMap(({ leaf, from, to }) => leaf.entries.slice(from, to))

const selectedPage = (kind: Kind, tree: Tree, prefix: string, after: string, options: ListOptions, call: Call): Found => {
  const match = matchServed(kind, options.match as Match)
  const chosen: Entry[] = []
  if (options.name !== undefined && (prefix !== '' || call.namespace === undefined) && !options.continue) {
    const one = prefix === '' ? undefined : find(tree, `${prefix}${options.name}`)
    if (prefix !== '') return { found: { entries: one && match(one.object) ? [one] : [] }, last: undefined }
  }
  for (const entry of entriesOf(tree, prefix, after)) {
    if (!match(entry.object)) continue
    if (options.limit > 0 && chosen.length === options.limit)
      return { found: { entries: chosen }, last: (chosen[chosen.length - 1] as Entry).key }
    chosen.push(entry)
  }
  return { found: { entries: chosen }, last: undefined }
}

/** Upstream's token: base64 without padding of {"v","rv","start"}, where start is the key to begin with. */
const encodeContinue = (revision: number, after: string): string =>
  Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start: `${after}\u0000` })).toString('base64url')

/** Go's path.Clean of an absolute path. */
const cleaned = (key: string): string => {
  const path = posix.normalize(key)
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}

/** What keeps JSON from being a token, in Go's words. */
const tokenFault = (value: Json): string | undefined => {
  if (!isJsonObject(value)) return `${goKindOf(value)} into Go value of type storage.continueToken`
  const types = { v: 'string', rv: 'int64', start: 'string' }
  for (const [name, type] of Object.entries(types)) {
    const given = value[name] ?? undefined
    if (given !== undefined && typeof given !== (type === 'int64' ? 'number' : 'string'))
      return `${goKindOf(given)} into Go struct field continueToken.${name} of type ${type}`
  }
  return undefined
}

const badToken = (why: string): Refusal => badRequest(`invalid continue token: continue key is not valid: ${why}`)

const decodeContinue = (token: string): { revision: number; after: string } => {
  const bad = /[^\w-]/.exec(token)?.index ?? (token.length % 4 === 1 ? token.length - 1 : undefined)
  if (bad !== undefined) throw badToken(`illegal base64 data at input byte ${bad}`)
  let value: { v?: string; rv?: number; start?: string }
  try {
    value = (parseJson(Buffer.from(token, 'base64url')).value ?? {}) as typeof value
  } catch (error) {
    throw badToken((error as Error).message)
  }
  const fault = tokenFault(value as Json)
  if (fault) throw badToken(`json: cannot unmarshal ${fault}`)
  const { v = '', rv = 0, start = '' } = value
  if (v !== 'meta.k8s.io/v1') throw badToken(`server does not recognize this encoded version ${v}`)
  if (rv === 0) throw badToken('incorrect encoded start resourceVersion (version meta.k8s.io/v1)')
  if (start === '') throw badToken('encoded start key empty (version meta.k8s.io/v1)')
  const key = start.startsWith('/') ? start : `/${start}`
  if (cleaned(key) !== key) throw badToken(start)
  return { revision: rv, after: key.slice(1).replace(/\u0000$/, '') }
}
