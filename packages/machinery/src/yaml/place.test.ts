import { expect, test } from 'vitest'
import { yamlLineOf } from './place.ts'

const text = `# a remark
kind: Trace
spec:
  nodes: 3
  steps:
    - at: 1s
      die: { where: x }
    - at: 2s
      expect:
        - { of: a/b,
            that: c }
`

test.each<[(string | number)[], number]>([
  [[], 2],
  [['spec'], 3],
  [['spec', 'nodes'], 4],
  [['spec', 'steps', 0], 6],
  [['spec', 'steps', 0, 'die', 'where'], 7],
  [['spec', 'steps', 1, 'expect', 0, 'that'], 11],
  [['spec', 'steps', 1, 'missing'], 8],
  [['spec', 'steps', 7], 5],
  [['nothing', 'at', 'all'], 2],
])('%j', (path, line) => {
  expect(yamlLineOf(text, path)).toBe(line)
})

test('a text without a document has no lines that tell', () => {
  expect(yamlLineOf('', ['a'])).toBeUndefined()
  expect(yamlLineOf('a: [', ['a'])).toBeUndefined()
})
