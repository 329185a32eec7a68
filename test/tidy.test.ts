import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'

// Style as a test: each refusal says what to do instead.

const root = resolve(import.meta.dirname, '..')
const order = [
  'machinery',
  'api',
  'store',
  'client',
  'apiserver',
  'controllers',
  'scheduler',
  'node',
  'network',
  'simulation',
  'cli',
  'dashboard',
  'cluster',
  'testkit',
]
/** Layers that may import nothing but client, api and machinery. */
const apart = new Set(['controllers', 'scheduler', 'node', 'network', 'cli'])
const open = new Set(['machinery', 'api', 'client'])

/** Tables may be long: data, a line an entry. */
const tables = new Set<string>(['packages/api/src/generated/types.ts'])

const sourcesUnder = (dir: string): string[] =>
  readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : sourcesUnder(path)
    return entry.name.endsWith('.ts') ? [path] : []
  })

interface Source {
  readonly path: string
  readonly pack: string
  readonly text: string
  readonly isTest: boolean
  readonly imports: readonly string[]
}

const importPattern = /(?:^|\n)\s*(?:import|export)\s[^'"]*?from\s*'([^']+)'|import\('([^']+)'\)|(?:^|\n)import\s*'([^']+)'/g
const sources: Source[] = order.flatMap((pack) => {
  const dir = join(root, 'packages', pack, 'src')
  let files: string[] = []
  try {
    files = sourcesUnder(dir)
  } catch {
    return []
  }
  return files.map((file) => {
    const text = readFileSync(file, 'utf8')
    const path = relative(root, file)
    const isTest = /\.test\.ts$|\/testing\/|contract\.ts$|\/fixture/.test(path)
    const imports = [...text.matchAll(importPattern)].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
    return { path, pack, text, isTest, imports }
  })
})

const refuse = (complaints: readonly string[]) => expect(complaints, complaints.join('\n')).toEqual([])

test('packages import only what lies below them', () => {
  refuse(
    sources.flatMap(({ path, pack, imports, isTest }) =>
      imports.flatMap((name) => {
        const other = /^@skiff\/([a-z]+)$/.exec(name)?.[1]
        if (name.startsWith('@skiff/') && !other) return [`${path}: import of ${name}: import the package, not a file of it`]
        if (!other || isTest) return []
        if (order.indexOf(other) >= order.indexOf(pack))
          return [`${path}: ${pack} may not import ${other}, which lies above it; turn the dependency round with an interface`]
        if (apart.has(pack) && !open.has(other))
          return [`${path}: ${pack} may not import ${other}; it sees the cluster through client, api and machinery alone`]
        return []
      }),
    ),
  )
})

test("a package's own files do not import its index", () => {
  refuse(
    sources.flatMap(({ path, pack, imports }) => {
      const index = join(root, 'packages', pack, 'src', 'index.ts')
      return imports
        .filter((name) => name === `@skiff/${pack}` || (name.startsWith('.') && resolve(root, dirname(path), name) === index))
        .map((name) => `${path}: import the exact file instead of ${name}`)
    }),
  )
})

test('no import goes round in a circle', () => {
  const graph = new Map(
    sources.map(({ path, imports }) => [
      path,
      imports.filter((name) => name.startsWith('.')).map((name) => relative(root, resolve(root, dirname(path), name))),
    ]),
  )
  const done = new Set<string>()
  const circles: string[] = []
  const visit = (path: string, way: readonly string[]): void => {
    if (way.includes(path)) {
      circles.push([...way.slice(way.indexOf(path)), path].join(' -> '))
      return
    }
    if (done.has(path)) return
    for (const next of graph.get(path) ?? []) visit(next, [...way, path])
    done.add(path)
  }
  for (const path of graph.keys()) visit(path, [])
  refuse(circles.map((circle) => `${circle}: move what both need into a file of its own`))
})

test('files have a size that can be read, and a name that says something', () => {
  refuse(
    sources.flatMap(({ path, text, isTest }) => {
      const lines = text.split('\n').length
      const complaints: string[] = []
      if (lines > 500 && !isTest && !tables.has(path)) complaints.push(`${path}: ${lines} lines: divide it by what its parts are for`)
      if (/\/(utils?|types|common|helpers?|manager|misc)\.ts$/.test(path) && !path.includes('/generated/'))
        complaints.push(`${path}: name the file after what it holds`)
      if (/^export default /m.test(text)) complaints.push(`${path}: export by name`)
      return complaints
    }),
  )
})

const banned: readonly { readonly pattern: RegExp; readonly instead: string }[] = [
  { pattern: /\bDate\.now\(/, instead: 'env.now()' },
  { pattern: /\bnew Date\(\)/, instead: 'new Date(env.now())' },
  { pattern: /(?<![.\w])set(?:Timeout|Interval)\(/, instead: 'env.sleep() or env.after()' },
  { pattern: /\bMath\.random\(/, instead: 'env.random()' },
  { pattern: /\bas any\b|: any\b/, instead: 'unknown and a check, or the right type' },
  { pattern: /@ts-(?:ignore|expect-error|nocheck)/, instead: 'types that hold' },
]

test('time and chance come from env alone', () => {
  refuse(
    sources
      .filter(({ path, isTest }) => !isTest && path !== 'packages/machinery/src/env.ts' && !path.includes('/generated/'))
      .flatMap(({ path, text }) => {
        const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
        return banned
          .filter(({ pattern }) => pattern.test(code))
          .map(({ pattern, instead }) => `${path}: ${pattern.source} is banned, use ${instead}`)
      }),
  )
})
