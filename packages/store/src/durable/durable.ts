import type { Env } from '@skiff/machinery'
import { type Range, type Revision, type Row, type Store, StoreUnusable, type WatchRequest } from '../store.ts'
import { watchers } from '../watchers.ts'
import { commits } from './commits.ts'
import { type HeldDirectory, holdDirectory } from './directory.ts'
import { idle } from './idle.ts'
import { type Ledger, ledger } from './ledger.ts'
import type { Failure } from './protocol.ts'
import { unpacker } from './records.ts'
import { firstRow, rowsIn } from './rows.ts'
import { takeSnapshot } from './snapshot.ts'
import { startWatch } from './watch.ts'
import { openWorkerLink, type WorkerLink } from './worker-link.ts'

/** Changes held for watches that start in the past. */
const DEFAULT_HISTORY_LIMIT = 10_000

export interface DurableOptions {
  /** A directory of the store's own; made where there is none. */
  readonly dir: string
  readonly env: Env
  /** Changes held for watches that start in the past, at least, unless they are very big. */
  readonly historyLimit?: number
}

/** The embedded store: acknowledged means flushed to the disk. Throws StoreUnusable with what to do when `dir` cannot be served. */
export const openDurableStore = async (options: DurableOptions): Promise<Store> => {
  const { dir, env } = options
  const held = await hold(dir)
  if (held.unclean) env.log.info('the store was not closed in order: checking it', { dir })
  const start = {
    task: 'serve',
    file: held.file,
    check: held.unclean,
    historyLimit: options.historyLimit ?? DEFAULT_HISTORY_LIMIT,
  } as const
  try {
    const { link, revision } = await openWorkerLink(start)
    return serve({ ...options, held, link, book: await loadIndex(link, revision) })
  } catch (error) {
    await held.release(false)
    throw refused(dir, held.file, error)
  }
}

const hold = async (dir: string): Promise<HeldDirectory> => {
  try {
    return await holdDirectory(dir)
  } catch (error) {
    if (error instanceof StoreUnusable) throw error
    throw new StoreUnusable(`${dir} cannot be a store's directory (${(error as Error).message}): name one that this user may write to`, {
      cause: error,
    })
  }
}

const loadIndex = async (link: WorkerLink, revision: Revision): Promise<Ledger> => {
  const book = ledger(revision)
  try {
    await link.stream({ ask: 'index' }, ({ records }) => {
      const rows = unpacker(records)
      while (rows.next()) book.load(rows.key(), rows.revision(), rows.created())
    })
  } catch (error) {
    await link.stop(error as Error)
    throw error
  }
  return book
}

interface Parts extends DurableOptions {
  readonly held: HeldDirectory
  readonly link: WorkerLink
  readonly book: Ledger
}

const serve = ({ dir, env, held, link, book }: Parts): Store => {
  const live = watchers()
  let joining = 0
  const writes = commits({ book, link, live, wantPrevious: () => live.countPrevious() + joining > 0 })
  /** A failure here is met again, and told, by whoever writes or reads next. */
  const resting = idle(env, () =>
    link.ask({ ask: 'tidy' }).then(
      ({ end }) => !end,
      () => false,
    ),
  )
  /** Why nothing is served any more. */
  let over: StoreUnusable | undefined
  let broken = false
  let closing: Promise<void> | undefined

  link.listen({
    durable: (spare, previous) => {
      writes.durable(spare, previous)
      resting.wrote()
    },
    lost: (failure) => (failure.kind === 'passing' ? writes.fail(unwritten(dir, failure)) : end(failure)),
    broken: (failure) => end(failure),
  })

  const end = (failure: Failure) => {
    broken = true
    const why = failed(dir, failure)
    over ??= why
    env.log.error(why.message)
    resting.stop()
    writes.fail(why)
    live.end(why)
    void link.stop(why)
  }

  const shut = async () => {
    over ??= new StoreUnusable(`the store in ${dir} is closed`)
    await writes.drained()
    resting.stop()
    if (!broken) await link.ask({ ask: 'close' }).catch(() => undefined)
    live.end(over)
    await link.stop(over)
    await held.release(!broken)
  }

  const watch = async (request: WatchRequest) => {
    // From here on batches bring back what they replace, so that the watch has it from its first live change on.
    const needs = request.withoutPrevious ? 0 : 1
    joining += needs
    try {
      return await startWatch(request, link, live)
    } finally {
      joining -= needs
    }
  }

  const serving = async <T>(act: () => Promise<T>): Promise<T> => {
    if (over) throw over
    return act()
  }

  return {
    commit: (write) => (over ? Promise.reject(over) : writes.commit(write)),
    revision: () => (over ? Promise.reject(over) : Promise.resolve(book.durable())),
    read: (key) => serving(async () => firstRow((await link.ask({ ask: 'read', key })).records)),
    range: (request) => serving(() => range(link, request)),
    watch: (request) => serving(() => watch(request)),
    compact: (before) =>
      serving(async () => {
        await link.ask({ ask: 'compact', before })
        resting.wrote()
      }),
    snapshot: (path) => serving(() => takeSnapshot(held.file, path)),
    close: () => {
      closing ??= shut()
      return closing
    },
  }
}

const range = async (link: WorkerLink, { prefix, after, limit }: Parameters<Store['range']>[0]): Promise<Range> => {
  const rows: Row[] = []
  const question = { ask: 'range', prefix, after, limit: limit ?? 0 } as const
  const { revision, more } = await link.stream(question, ({ records }) => void rowsIn(records, rows))
  return { rows, revision, more }
}

const unwritten = (dir: string, { message }: Failure) =>
  new StoreUnusable(
    `the disk did not take the write (${message}) and nothing of it was kept: make space on the disk of ${dir}, then try again`,
  )

const failed = (dir: string, { message }: Failure) =>
  new StoreUnusable(
    `the store in ${dir} failed and has ended (${message}): check the disk, then start again; should the store be refused then, restore a snapshot`,
  )

const refused = (dir: string, file: string, error: unknown): unknown => {
  if (error instanceof StoreUnusable) return error
  const message = error instanceof Error ? error.message : String(error)
  return new StoreUnusable(
    `the store's file ${file} cannot be used (${message}): restore a snapshot into ${dir}, or move ${dir} away to start with nothing`,
    { cause: error },
  )
}
