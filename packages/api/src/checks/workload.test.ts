import { expect, test } from 'vitest'
import { collect } from './faults.ts'
import { checkTemplateMatches } from './workload.ts'

const template = { metadata: { labels: { a: 'b' } } }
const faults = (selector: object | undefined) =>
  collect((found) => {
    checkTemplateMatches(found, selector, template as never, 'unreadable')
  }).map(({ field, body }) => `${field}: ${body}`)

test('a selector matches its template; none matches nothing, an empty one is not asked', () => {
  const mismatch = 'spec.template.metadata.labels: Invalid value: map[string]string{"a":"b"}: `selector` does not match template `labels`'
  expect(faults({ matchLabels: { a: 'b' } })).toEqual([])
  expect(faults({})).toEqual([])
  expect(faults(undefined)).toEqual([mismatch])
  expect(faults({ matchLabels: { a: 'c' } })).toEqual([mismatch])
})
