import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { type Appender, appender } from './appender.ts'
import { checkpointer } from './checkpointer.ts'
import { failureOf, fault, openDatabase } from './database.ts'
import { keyIndex } from './key-index.ts'
import type { Answer, Batch, FromWorker, Question, ToWorker, WorkerStart } from './protocol.ts'
import { type Chunk, type Reads, reads } from './reads.ts'
import type { Packed } from './records.ts'
import { prepareRestored, writeSnapshot } from './snapshot-file.ts'
import { historyWindow } from './window.ts'

type Tell = (message: FromWorker, ...transfer: ArrayBuffer[]) => void

/** The thread that owns the file: it takes batches and questions in the order in which they were sent, and answers in that order. */
const serve = (port: MessagePort, start: Extract<WorkerStart, { task: 'serve' }>) => {
  const tell: Tell = (message, ...transfer) => port.postMessage(message, transfer)
  const db = openDatabase(start.file)
  const found = fault(db, start.check)
  if (found !== undefined) throw new Error(found)
  const window = historyWindow(db, start.historyLimit)
  const keys = keyIndex(db)
  const append = appender(db, window, keys)
  const read = reads(db, start.file, keys, { newest: append.revision, floor: window.floor })
  const checkpoint = checkpointer(db)

  const answer: Respond = (id, records, facts) => {
    const whole: Answer = { records, revision: append.revision(), end: true, more: false, floor: window.floor(), ...facts }
    tell({ tell: 'answer', id, answer: whole }, records.bytes)
  }
  const answers = answering(read, answer)

  const take = (id: number, question: Question): void => {
    if (question.ask === 'compact') {
      append.forget(question.before - 1)
      checkpoint.wrote(0)
      answer(id, nothing())
    } else if (question.ask === 'tidy') {
      const more = append.sweep()
      if (!more) checkpoint.rest()
      answer(id, nothing(), { end: !more })
    } else if (question.ask === 'close') {
      answers.close()
      append.index()
      db.close()
      answer(id, nothing())
      port.close()
    } else {
      if (question.ask === 'range') append.index()
      answers.take(id, question)
    }
  }

  port.on('message', (message: ToWorker) => {
    if ('do' in message) {
      if (write(append, message, tell)) moveLog(() => checkpoint.wrote(message.records.length), tell)
      return
    }
    try {
      if ('more' in message) answers.more(message.id)
      else take(message.id, message.question)
    } catch (error) {
      tell({ tell: 'failed', id: message.id, failure: failureOf(error) })
    }
  })
  tell({ tell: 'opened', revision: append.revision() })
}

/** One batch, one transaction, one flush; true when it is durable. */
const write = (append: Appender, batch: Batch, tell: Tell): boolean => {
  let previous: Packed | null
  try {
    previous = append.append(batch)
  } catch (error) {
    tell({ tell: 'lost', failure: failureOf(error) })
    return false
  }
  const spare = batch.records.bytes
  tell({ tell: 'durable', spare, previous }, spare, ...(previous ? [previous.bytes] : []))
  return true
}

/** The batch is durable, so a full disk passes: the log only grows meanwhile. Anything else makes the file unusable. */
const moveLog = (act: () => void, tell: Tell) => {
  try {
    act()
  } catch (error) {
    const failure = failureOf(error)
    if (failure.kind === 'broken') tell({ tell: 'broken', failure })
  }
}

type Respond = (id: number, records: Packed, facts?: Partial<Omit<Answer, 'records'>>) => void

/** Questions that only read. Long answers go chunk by chunk as they are asked for, so batches pass between the chunks. */
const answering = (read: Reads, answer: Respond) => {
  const streams = new Map<number, Generator<Chunk>>()

  const more = (id: number) => {
    const chunks = streams.get(id)
    const next = chunks?.next()
    if (!next || next.done) return
    const { records, ...facts } = next.value
    answer(id, records, facts)
    if (!facts.end) return
    // Ends its snapshot.
    chunks?.return(undefined)
    streams.delete(id)
  }

  const begin = (id: number, chunks: Generator<Chunk>) => {
    streams.set(id, chunks)
    more(id)
  }

  const take = (id: number, question: Exclude<Question, { ask: 'compact' | 'tidy' | 'close' }>) => {
    switch (question.ask) {
      case 'index':
        return begin(id, read.index())
      case 'range':
        return begin(id, read.range(question.prefix, question.after, question.limit))
      case 'history':
        return begin(id, read.history(question.prefix, question.after))
      case 'read':
        return answer(id, read.read(question.key))
      case 'row':
        return answer(id, read.row(question.key, question.revision))
    }
  }

  const close = () => {
    for (const chunks of streams.values()) chunks.return(undefined)
    read.close()
  }
  return { take, more, close }
}

const nothing = (): Packed => ({ bytes: new ArrayBuffer(0), length: 0, count: 0 })

/** What cannot be done is told and not thrown: the main thread knows what to do next. */
const run = (port: MessagePort, start: WorkerStart) => {
  try {
    if (start.task === 'serve') return serve(port, start)
    if (start.task === 'snapshot') writeSnapshot(start.file, start.to)
    else prepareRestored(start.file)
    port.postMessage({ tell: 'opened', revision: 0 } satisfies FromWorker)
  } catch (error) {
    port.postMessage({ tell: 'refused', failure: failureOf(error) } satisfies FromWorker)
  }
  port.close()
}

if (parentPort) run(parentPort, workerData as WorkerStart)
