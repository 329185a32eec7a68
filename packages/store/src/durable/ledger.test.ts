import { describe, expect, test } from 'vitest'
import type { Write } from '../store.ts'
import { type Ledger, ledger, type Pending } from './ledger.ts'

const value = new Uint8Array(1)
const put = (key: string, expect: Write['expect'] = 'any'): Write => ({ key, value, expect })
const remove = (key: string): Write => ({ key, value: null, expect: 'any' })

const win = (book: Ledger, write: Write): Pending => {
  const decided = book.decide(write)
  if (!('won' in decided)) throw new Error('lost')
  // Rejected by the caller of undo; nobody waits here.
  decided.won.done.catch(() => undefined)
  return decided.won
}
const loses = (book: Ledger, write: Write) => 'lostTo' in book.decide(write)

describe('what is lost is undone', () => {
  test('a chain on one key, back to what is durable, and its revisions are given again', () => {
    const book = ledger(0)
    book.settle([win(book, put('a', 'absent'))])
    const chain = [win(book, put('a', 1)), win(book, remove('a')), win(book, put('a', 'absent')), win(book, put('b'))]
    expect(chain.map(({ revision, created }) => [revision, created])).toEqual([
      [2, 1],
      [3, 1],
      [4, 4],
      [5, 5],
    ])
    book.undo(chain)
    expect(book.durable()).toBe(1)
    expect(loses(book, put('a', 4))).toBe(true)
    expect(loses(book, put('b', 5))).toBe(true)
    expect(win(book, put('a', 1))).toMatchObject({ revision: 2, created: 1 })
    expect(win(book, put('b', 'absent'))).toMatchObject({ revision: 3, created: 3 })
  })

  test('a key that is made again while its deletion becomes durable is absent after the loss', () => {
    const book = ledger(0)
    book.settle([win(book, put('a'))])
    const gone = win(book, remove('a'))
    const again = win(book, put('a', 'absent'))
    book.settle([gone])
    book.undo([again])
    expect(loses(book, remove('a'))).toBe(true)
    expect(win(book, put('a', 'absent'))).toMatchObject({ revision: 3, created: 3 })
  })

  test('a durable deletion leaves nothing behind', () => {
    const book = ledger(0)
    const writes = [win(book, put('a')), win(book, remove('a'))]
    book.settle(writes)
    const decided = book.decide(put('a', 2))
    expect(decided).toEqual({ lostTo: undefined })
  })
})
