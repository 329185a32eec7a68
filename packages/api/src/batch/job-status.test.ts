import { expect, test } from 'vitest'
import type { Job, JobStatus } from '../generated/types.ts'
import { checkJobStatus } from './job-status.ts'

const [then, now] = ['2025-01-01T00:00:00Z', '2025-01-01T00:05:00Z']
const suspended = (status: 'True' | 'False') => [{ type: 'Suspended', status }]
const refusals = (suspend: boolean, old: JobStatus, next: JobStatus): string[] => {
  const faults: Parameters<typeof checkJobStatus>[0] = []
  const job = (status: JobStatus) => ({ spec: { suspend }, status }) as Job
  checkJobStatus(faults, job(next), job(old))
  return faults.map(({ field }) => field)
}

test('the start of a Job changes while it is suspended or when it is resumed, and else never', () => {
  expect(refusals(true, { startTime: then }, {})).toEqual([])
  expect(refusals(false, { startTime: then, conditions: suspended('True') }, { startTime: now, conditions: suspended('False') })).toEqual(
    [],
  )
  expect(refusals(false, { startTime: then, conditions: suspended('True') }, { conditions: suspended('False') })).toEqual([
    'status.startTime',
  ])
  expect(refusals(false, { startTime: then }, { startTime: now })).toEqual(['status.startTime'])
  expect(refusals(false, { startTime: then }, {})).toEqual(['status.startTime'])
})
