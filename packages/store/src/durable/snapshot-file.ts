import { closeSync, fsyncSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { fault, newestRevision, openReader } from './database.ts'
import { keyIndex, unindexed } from './key-index.ts'

/**
 * What a restored store adds to its revision. Clients saw revisions after the snapshot was taken; those must never come again with
 * another meaning, so the counter jumps over them and all of the history is forgotten: every watch starts again from a list.
 */
const REVISION_LEAP = 1_000_000

/** A consistent copy of `file` at one revision, while its owner goes on writing. Durable when this returns. */
export const writeSnapshot = (file: string, to: string): void => {
  const db = openReader(file)
  try {
    db.prepare('VACUUM INTO ?').run(to)
  } finally {
    db.close()
  }
  flush(to)
}

/** Checks a copy of a snapshot and makes it ready to be served. */
export const prepareRestored = (file: string): void => {
  const db = new DatabaseSync(file)
  try {
    const found = fault(db, true)
    if (found !== undefined) throw new Error(found)
    const revision = newestRevision(db) + REVISION_LEAP
    db.exec('PRAGMA journal_mode = DELETE; BEGIN IMMEDIATE')
    const keys = keyIndex(db)
    for (const [key, pointer] of unindexed(db)) keys.note(key, pointer)
    keys.flush()
    db.exec(`DELETE FROM log WHERE revision NOT IN (SELECT revision FROM keys);
      UPDATE history SET floor = ${revision}, swept = ${revision}, indexed = ${revision}; COMMIT`)
  } finally {
    db.close()
  }
  flush(file)
}

const flush = (file: string) => {
  const descriptor = openSync(file, 'r+')
  fsyncSync(descriptor)
  closeSync(descriptor)
}
