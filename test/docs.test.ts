import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'

// What the documents say about the tree and the command must be so.

const root = resolve(import.meta.dirname, '..')
const skipped = new Set(['node_modules', 'dist', 'coverage'])

const markdownUnder = (dir: string): string[] =>
  readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    if (skipped.has(entry.name) || entry.name.startsWith('.')) return []
    const path = join(dir, entry.name)
    if (entry.isDirectory()) return markdownUnder(path)
    return entry.name.endsWith('.md') ? [path] : []
  })

interface Document {
  /** Relative to the root. */
  readonly path: string
  readonly text: string
  /** Without fenced code, in which brackets mean something else. */
  readonly prose: string
}

const documents: readonly Document[] = markdownUnder(root).map((path) => {
  const text = readFileSync(path, 'utf8')
  return { path: relative(root, path), text, prose: text.replace(/^ *(`{3,}|~{3,})[^\n]*\n[\s\S]*?^ *\1[^\n]*$/gm, '') }
})

/** A heading's anchor as GitHub makes it. */
const anchorOf = (heading: string): string =>
  heading
    .replace(/`|\*|\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-')

const anchorsOf = (path: string): ReadonlySet<string> => {
  const found = documents.find((each) => each.path === path)
  return new Set([...(found?.prose ?? '').matchAll(/^#{1,6} +(.+?) *$/gm)].map(([, heading = '']) => anchorOf(heading)))
}

const targetsOf = ({ prose }: Document): string[] =>
  [...prose.replace(/`[^`\n]*`/g, '').matchAll(/\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)|^\[[^\]]+\]: *(\S+)|(?:src|href)="([^"]+)"/gm)].map(
    ([, inline, reference, html]) => inline ?? reference ?? html ?? '',
  )

const refuse = (complaints: readonly string[]) => expect(complaints, complaints.join('\n')).toEqual([])

test('every relative link leads to a file, and to a heading of it where it names one', () => {
  expect(documents.length).toBeGreaterThan(10)
  refuse(
    documents.flatMap((document) =>
      targetsOf(document).flatMap((target) => {
        if (/^[a-z][a-z+.-]*:/i.test(target)) return []
        const [file = '', anchor] = target.split('#')
        const path = file === '' ? document.path : relative(root, resolve(root, dirname(document.path), decodeURIComponent(file)))
        if (path.startsWith('..') || !existsSync(join(root, path))) return [`${document.path}: ${target} leads nowhere`]
        if (anchor !== undefined && path.endsWith('.md') && !anchorsOf(path).has(anchor))
          return [`${document.path}: ${target}: no such heading`]
        return []
      }),
    ),
  )
})

test('every file of the tree that a document names is there', () => {
  const named = /`((?:packages|scripts|test|bench|docs)\/[\w./-]+)`/g
  refuse(
    documents.flatMap(({ path, prose }) =>
      [...prose.matchAll(named)]
        .map(([, file = '']) => file)
        .filter((file) => !existsSync(join(root, file)))
        .map((file) => `${path}: there is no ${file}`),
    ),
  )
})

/** The names of the commands in a help text, aliases included. */
const commandsIn = (args: readonly string[]): ReadonlySet<string> => {
  const help = execFileSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', 'packages/cluster/src/main.ts', ...args, '--help'],
    { cwd: root, encoding: 'utf8' },
  )
  const list = help.slice(help.indexOf('\nCommands:'))
  return new Set([...list.matchAll(/^ {2}([a-z][a-z|-]*)/gm)].flatMap(([, names = '']) => names.split('|')))
}

test('every command that a document tells to type exists', () => {
  const commands = commandsIn([])
  expect(commands).toContain('up')
  const groups = new Map(['node', 'image'].map((name) => [name, commandsIn([name])]))
  // `test` is the launcher's own.
  const known = (verb: string, second: string | undefined): boolean =>
    verb === 'test' || (commands.has(verb) && (second === undefined || (groups.get(verb)?.has(second) ?? true)))
  const spoken = /\.\/skiff ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?/g
  refuse(
    documents.flatMap(({ path, text }) =>
      [...text.matchAll(spoken)]
        .filter(([, verb = '', second]) => !known(verb, second))
        .map(([words]) => `${path}: \`${words}\` is no command of the program`),
    ),
  )
})
