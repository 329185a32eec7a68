import { Worker } from 'node:worker_threads'
import type { Answer, Batch, Failure, FromWorker, Question, ToWorker, WorkerStart } from './protocol.ts'

/** Beside the sources the worker is a source too; in a bundle it is a file of its own next to it. */
const workerFile = (): URL =>
  import.meta.url.endsWith('.ts') ? new URL('./worker.ts', import.meta.url) : new URL('./store-worker.js', import.meta.url)

export class DiskFailure extends Error {
  readonly kind: Failure['kind']
  constructor({ kind, message }: Failure) {
    super(message)
    this.name = 'DiskFailure'
    this.kind = kind
  }
}

/** The thread makes little garbage that lasts; without a limit its young generation grows to tens of MB. */
const LIMITS = { maxYoungGenerationSizeMb: 4 }

/** Nothing of what the program was started with: flags such as --input-type are refused by threads, or meant for the main one alone. */
const OWN_FLAGS = ['--disable-warning=ExperimentalWarning']

/** What the link hears that answers no question. */
export interface LinkEvents {
  durable(spare: ArrayBuffer, previous: Extract<FromWorker, { tell: 'durable' }>['previous']): void
  /** The batch under way was not written. */
  lost(failure: Failure): void
  /** The thread is of no more use. */
  broken(failure: Failure): void
}

/**
 * The one connection to the worker. Both directions keep their order: when an answer that carries revision R arrives, every batch up
 * to R has been heard of, and none after it.
 */
export interface WorkerLink {
  /** From now on; before it, a broken thread only fails what was asked. */
  listen(events: LinkEvents): void
  send(batch: Batch): void
  ask(question: Question): Promise<Answer>
  /** Hears each chunk; the next one is asked for first, so that the worker prepares it meanwhile. Resolves with the last. */
  stream(question: Question, chunk: (answer: Answer) => void): Promise<Answer>
  /** Rejects all open questions and ends the thread. */
  stop(why: Error): Promise<void>
}

/** Starts the thread that serves a file; rejects with a DiskFailure when it refuses the file. */
export const openWorkerLink = (start: WorkerStart): Promise<{ link: WorkerLink; revision: number }> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(workerFile(), { workerData: start, name: 'store', resourceLimits: LIMITS, execArgv: OWN_FLAGS })
    const open = questions((message) => worker.postMessage(message))
    let events: LinkEvents | undefined
    let stopped = false
    /** The thread ends once it has closed the file, which may be heard in the same turn as its answer. */
    const closed = (): void => {
      stopped = true
    }

    const link: WorkerLink = {
      listen: (heard) => {
        events = heard
      },
      send: (batch) => worker.postMessage(batch, [batch.records.bytes]),
      ask: (question) => open.ask(question, question.ask === 'close' ? closed : undefined),
      stream: open.ask,
      stop: async (why) => {
        stopped = true
        await worker.terminate()
        open.failAll(why)
      },
    }

    const broken = (failure: Failure) => {
      if (stopped) return
      reject(new DiskFailure(failure))
      events?.broken(failure)
      open.failAll(new DiskFailure(failure))
    }

    const hear = (message: FromWorker) => {
      switch (message.tell) {
        case 'opened':
          return resolve({ link, revision: message.revision })
        case 'refused':
        case 'broken':
          return broken(message.failure)
        case 'durable':
          return events?.durable(message.spare, message.previous)
        case 'lost':
          return events?.lost(message.failure)
        case 'answer':
          return open.answered(message.id, message.answer)
        case 'failed':
          open.failed(message.id, new DiskFailure(message.failure))
          if (message.failure.kind === 'broken') broken(message.failure)
      }
    }

    worker.on('message', hear)
    worker.on('error', (error) => broken({ kind: 'broken', message: error.message }))
    worker.on('exit', (code) => broken({ kind: 'broken', message: `the store's thread ended with code ${code}` }))
  })

/** Runs one task in a thread of its own, which ends with it. Rejects with a DiskFailure. */
export const runTask = (start: WorkerStart): Promise<void> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(workerFile(), { workerData: start, name: 'store-task', execArgv: OWN_FLAGS })
    let failure: Failure | undefined = { kind: 'broken', message: 'the thread ended early' }
    worker.on('message', (message: FromWorker) => {
      failure = message.tell === 'refused' ? message.failure : undefined
    })
    worker.on('error', reject)
    worker.on('exit', () => (failure ? reject(new DiskFailure(failure)) : resolve()))
  })

interface Waiting {
  readonly chunk: ((answer: Answer) => void) | undefined
  readonly resolve: (answer: Answer) => void
  readonly reject: (why: Error) => void
}

/** Questions under way, by number. */
const questions = (post: (message: ToWorker) => void) => {
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  return {
    ask: (question: Question, chunk: Waiting['chunk']): Promise<Answer> =>
      new Promise((resolve, reject) => {
        lastId += 1
        waiting.set(lastId, { chunk, resolve, reject })
        post({ id: lastId, question })
      }),
    answered: (id: number, answer: Answer) => {
      const question = waiting.get(id)
      const goesOn = question?.chunk !== undefined && !answer.end
      if (goesOn) post({ id, more: true })
      question?.chunk?.(answer)
      if (goesOn) return
      waiting.delete(id)
      question?.resolve(answer)
    },
    failed: (id: number, why: Error) => {
      waiting.get(id)?.reject(why)
      waiting.delete(id)
    },
    failAll: (why: Error) => {
      const all = [...waiting.values()]
      waiting.clear()
      for (const question of all) question.reject(why)
    },
  }
}
