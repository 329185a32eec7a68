import { type Job, job } from '@skiff/api'
import type { TestCluster } from './cluster.ts'

/** Where the Job of a test lies. */
export const target = { namespace: 'a', name: 'work' }

/** Makes the Job: one pod, to its end, unless `spec` says otherwise. */
export const make = (cluster: TestCluster, spec: Partial<Job['spec']> = {}) =>
  cluster.client.create(job, {
    metadata: target,
    spec: {
      parallelism: 1,
      completions: 1,
      backoffLimit: 6,
      selector: { matchLabels: { job: 'work' } },
      template: { metadata: { labels: { job: 'work' } }, spec: { containers: [{ name: 'c' }], restartPolicy: 'Never' } } as never,
      ...spec,
    },
  })

export const status = (cluster: TestCluster) => cluster.server.all(job)[0]?.status
