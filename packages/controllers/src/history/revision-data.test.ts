import type { PodTemplateSpec } from '@skiff/api'
import { expect, test } from 'vitest'
import { revisionData, revisionHash } from './revision-data.ts'

const template = {
  metadata: { labels: { app: 'web' } },
  spec: {
    containers: [
      {
        name: 'c',
        image: 'image',
        imagePullPolicy: 'Always',
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File',
      },
    ],
    dnsPolicy: 'ClusterFirst',
    restartPolicy: 'Always',
    schedulerName: 'default-scheduler',
    securityContext: {},
    terminationGracePeriodSeconds: 0,
  },
} as unknown as PodTemplateSpec

test('a revision has the name that kube-controller-manager gives it', () => {
  expect(revisionHash(revisionData(template), 0)).toBe('6f8c895996')
  expect(revisionHash(revisionData(template), 1)).not.toBe('6f8c895996')
})

test('the data has the empty fields that Go writes, once', () => {
  const claim = { metadata: { labels: { a: 'b' } }, spec: { accessModes: ['ReadWriteOnce'] } }
  const volumes = [{ name: 'v', ephemeral: { volumeClaimTemplate: claim } }]
  const data = revisionData({ ...template, spec: { ...template.spec, volumes } } as never)
  expect(data.spec.template).toMatchObject({
    $patch: 'replace',
    metadata: { creationTimestamp: null, labels: { app: 'web' } },
    spec: {
      containers: [{ name: 'c', resources: {} }],
      volumes: [{ ephemeral: { volumeClaimTemplate: { metadata: { creationTimestamp: null }, spec: { resources: {} } } } }],
    },
  })
  expect(revisionData(data.spec.template as never)).toStrictEqual(data)
  expect(revisionData(template)).toStrictEqual(JSON.parse(JSON.stringify(revisionData(template))))
})
