import { expect, test } from 'vitest'
import { componentConfig } from './component-config.ts'
import { decodeConfiguration } from './decode.ts'
import { withDefaults } from './defaults.ts'

const head = 'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n'

test('a configuration as upstream tells it at /configz', () => {
  const told = componentConfig(
    withDefaults(
      decodeConfiguration(`${head}extenders: [{urlPrefix: "http://x", filterVerb: f, weight: 1, httpTimeout: 3s}]
profiles:
- schedulerName: a
  plugins: {score: {disabled: [{name: ImageLocality}]}}
  pluginConfig: [{name: NodeResourcesFit, args: {ignoredResources: [x.y/z]}}]
`),
    ),
  )
  expect(told).toMatchObject({
    Parallelism: 16,
    LeaderElection: { LeaderElect: true, LeaseDuration: '15s', ResourceLock: 'leases' },
    ClientConnection: { Kubeconfig: '', ContentType: 'application/vnd.kubernetes.protobuf', QPS: 50, Burst: 100 },
    Profiles: [
      {
        SchedulerName: 'a',
        PercentageOfNodesToScore: null,
        Plugins: {
          Filter: { Enabled: null, Disabled: null },
          Score: { Enabled: null, Disabled: [{ Name: 'ImageLocality', Weight: 0 }] },
        },
      },
    ],
    Extenders: [{ URLPrefix: 'http://x', FilterVerb: 'f', TLSConfig: null, HTTPTimeout: '3s', ManagedResources: null, Ignorable: false }],
  })
  const [profile] = (told as { Profiles: { PluginConfig: unknown[]; Plugins: { MultiPoint: { Enabled: unknown[] } } }[] }).Profiles
  expect(profile?.PluginConfig[0]).toEqual({
    Name: 'NodeResourcesFit',
    Args: {
      IgnoredResources: ['x.y/z'],
      IgnoredResourceGroups: null,
      ScoringStrategy: {
        Type: 'LeastAllocated',
        Resources: [
          { Name: 'cpu', Weight: 1 },
          { Name: 'memory', Weight: 1 },
        ],
        RequestedToCapacityRatio: null,
      },
    },
  })
  expect(profile?.Plugins.MultiPoint.Enabled[4]).toEqual({ Name: 'TaintToleration', Weight: 3 })
})
