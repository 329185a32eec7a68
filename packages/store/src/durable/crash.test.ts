import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { systemEnv } from '@skiff/machinery'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

const ROUNDS = 100
const source = (file: string) => fileURLToPath(new URL(`./${file}`, import.meta.url))
const env = systemEnv()

interface Line {
  readonly revision: number
  /** The key, and the count in its value or "gone". */
  readonly what: string
}

/** What one child said before it was killed. */
interface Heard {
  readonly changes: Line[]
  readonly rows: Line[]
  readonly acks: Line[]
  ready: boolean
}

type Child = ChildProcessByStdio<Writable, Readable, null>

/** Bundled as in a release, worker apart: processes start in a fourth of the time, and the bundle is tried as well. */
const bundle = async (to: string) => {
  const entryPoints = { child: source('testing/crash-child.ts'), 'store-worker': source('worker.ts') }
  await build({ entryPoints, outdir: to, bundle: true, platform: 'node', format: 'esm', outExtension: { '.js': '.js' }, logLevel: 'error' })
  await writeFile(join(to, 'package.json'), '{ "type": "module" }')
}

/** A process that is up and waits for its line, so that its start costs the next round nothing. */
const start = (root: string): Child =>
  spawn(process.execPath, [join(root, 'child.js'), join(root, 'store'), join(root, 'report')], { stdio: ['pipe', 'pipe', 'inherit'] })

/** Lets the child check, work and die: in the middle of its load, or, every tenth time, while it recovers. */
const round = async (child: Child, after: number, early: boolean): Promise<NodeJS.Signals | null> => {
  const closed = once(child, 'close')
  const ready = once(child.stdout, 'data')
  child.stdin.end(`${after}\n`)
  if (!early) await Promise.race([ready, closed])
  await env.sleep(10 + env.random() * 50)
  child.kill('SIGKILL')
  const [, signal] = (await closed) as [number | null, NodeJS.Signals | null]
  return signal
}

/** The line that the kill cut off tells nothing. */
const heardIn = (report: string): Heard => {
  const heard: Heard = { changes: [], rows: [], acks: [], ready: false }
  const lists: Record<string, Line[]> = { change: heard.changes, row: heard.rows, ack: heard.acks }
  for (const line of report.split('\n').slice(0, -1)) {
    const [kind = '', revision, key, count] = line.split(' ')
    if (kind === 'ready') heard.ready = true
    else lists[kind]?.push({ revision: Number(revision), what: `${key} ${count}` })
  }
  return heard
}

/** Every acknowledged write is in the history as it was, the history has no gaps, and the rows are what the history leads to. */
const check = (acks: readonly Line[], { changes, rows }: Heard, after: number, known: Map<string, Line>) => {
  const gaps = changes.filter(({ revision }, i) => revision !== after + 1 + i)
  expect(gaps).toEqual([])
  const found = new Map(changes.map(({ revision, what }) => [revision, what]))
  const missing = acks.filter(({ revision, what }) => found.get(revision) !== what)
  expect(missing).toEqual([])
  expect(changes.filter(({ what }) => what.endsWith('torn'))).toEqual([])
  for (const change of changes) {
    const [key = '', count] = change.what.split(' ')
    if (count === 'gone') known.delete(key)
    else known.set(key, change)
  }
  expect(rows.map(({ revision, what }) => `${revision} ${what}`).sort()).toEqual(
    [...known.values()].map(({ revision, what }) => `${revision} ${what}`).sort(),
  )
}

test(`kill -9 under load, ${ROUNDS} times: nothing acknowledged is lost`, { timeout: 240_000 }, async () => {
  const root = await mkdtemp(join(tmpdir(), 'skiff-crash-'))
  await bundle(root)
  let next = start(root)
  try {
    const known = new Map<string, Line>()
    let acks: readonly Line[] = []
    let after = 0
    let acknowledged = 0
    for (let i = 0; i < ROUNDS; i += 1) {
      const child = next
      next = start(root)
      await rm(join(root, 'report'), { force: true })
      expect(await round(child, after, i % 10 === 5)).toBe('SIGKILL')
      const heard = heardIn(await readFile(join(root, 'report'), 'utf8').catch(() => ''))
      acknowledged += heard.acks.length
      // A child that died before it had told everything leaves the question to the next one.
      if (!heard.ready) continue
      check(acks, heard, after, known)
      after = heard.changes.at(-1)?.revision ?? after
      acks = heard.acks
    }
    expect(acknowledged).toBeGreaterThan(ROUNDS)
  } finally {
    const closed = once(next, 'close')
    next.kill('SIGKILL')
    await closed
    await rm(root, { recursive: true })
  }
})
