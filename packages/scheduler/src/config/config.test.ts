import { summariseErrors } from '@skiff/machinery'
import { describe, expect, test } from 'vitest'
import { decodeConfiguration } from './decode.ts'
import { defaultConfiguration, withDefaults } from './defaults.ts'
import { validateConfiguration } from './validate.ts'

const head = 'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n'
const read = (text: string) => withDefaults(decodeConfiguration(head + text))
const faultsOf = (text: string): string => summariseErrors(validateConfiguration(read(text)))

describe('what a file holds', () => {
  test.each([
    ['apiVersion: kubescheduler.config.k8s.io/v1\n', "Object 'Kind' is missing in"],
    [
      'apiVersion: kubescheduler.config.k8s.io/v1beta3\nkind: KubeSchedulerConfiguration\n',
      'no kind "KubeSchedulerConfiguration" is registered for version "kubescheduler.config.k8s.io/v1beta3" in scheme "pkg/scheduler/apis/config/scheme/scheme.go:30"',
    ],
    [
      `${head}foo: 1\nprofiles:\n- plugins: {scores: {}}\n`,
      'strict decoding error: unknown field "foo", unknown field "profiles[0].plugins.scores"',
    ],
    [`${head}parallelism: 1\nparallelism: 2\n`, 'key "parallelism" already set in map'],
    [
      `${head}parallelism: many\n`,
      'json: cannot unmarshal string into Go struct field KubeSchedulerConfiguration.parallelism of type int32',
    ],
    [
      `${head}profiles:\n- pluginConfig:\n  - name: DefaultPreemption\n    args: {foo: bar}\n`,
      'strict decoding error: decoding .profiles[0].pluginConfig[0]: strict decoding error: decoding args for plugin DefaultPreemption: strict decoding error: unknown field "foo"',
    ],
    [
      `${head}profiles:\n- pluginConfig:\n  - name: DefaultPreemption\n    args: {apiVersion: kubescheduler.config.k8s.io/v1, kind: InterPodAffinityArgs}\n`,
      'decoding .profiles[0].pluginConfig[0]: args for plugin DefaultPreemption were not of type DefaultPreemptionArgs.kubescheduler.config.k8s.io, got InterPodAffinityArgs.kubescheduler.config.k8s.io',
    ],
  ])('%#: is refused in upstream words', (text, message) => {
    expect(() => decodeConfiguration(text)).toThrow(message)
  })
  test('arguments of plugins out of the tree stay as they are', () => {
    const config = read('profiles:\n- pluginConfig:\n  - {name: Mine, args: {__proto__: 1, a: [b]}}\n')
    const args = config.profiles[0]?.pluginConfig.find(({ name }) => name === 'Mine')?.args
    expect(JSON.stringify(args)).toBe('{"__proto__":1,"a":["b"]}')
  })
})

describe('defaults', () => {
  test('without any word: the default profile with the arguments of its plugins', () => {
    const config = defaultConfiguration()
    expect(config).toMatchObject({
      ...{ parallelism: 16, percentageOfNodesToScore: 0, podInitialBackoffSeconds: 1, podMaxBackoffSeconds: 10 },
      leaderElection: { leaderElect: true, leaseDuration: '15s', renewDeadline: '10s', retryPeriod: '2s', resourceName: 'kube-scheduler' },
    })
    expect(config.profiles.map(({ schedulerName }) => schedulerName)).toEqual(['default-scheduler'])
    const plugins = config.profiles[0]?.plugins.multiPoint?.enabled?.map(({ name, weight }) => (weight ? `${name}=${weight}` : name))
    expect(plugins?.join(' ')).toBe(
      'SchedulingGates PrioritySort NodeUnschedulable NodeName TaintToleration=3 NodeAffinity=2 NodePorts NodeResourcesFit=1 VolumeRestrictions NodeVolumeLimits VolumeBinding VolumeZone PodTopologySpread=2 InterPodAffinity=2 DefaultPreemption NodeResourcesBalancedAllocation=1 ImageLocality=1 DefaultBinder',
    )
    expect(config.profiles[0]?.pluginConfig.map(({ name }) => name)).toEqual([
      ...['DefaultPreemption', 'InterPodAffinity', 'NodeAffinity', 'NodeResourcesBalancedAllocation', 'NodeResourcesFit'],
      ...['PodTopologySpread', 'VolumeBinding'],
    ])
    expect(validateConfiguration(config)).toEqual([])
  })
  test('a default plugin that is named again is replaced where it stands, a disabled one goes, new ones come last', () => {
    const config = read(`profiles:
- plugins:
    multiPoint:
      enabled: [{name: Mine}, {name: ImageLocality, weight: 7}]
      disabled: [{name: NodePorts}]
`)
    const names = config.profiles[0]?.plugins.multiPoint?.enabled?.map(({ name, weight }) => `${name}${weight ?? ''}`)
    expect(names?.slice(-4)).toEqual(['NodeResourcesBalancedAllocation1', 'ImageLocality7', 'DefaultBinder', 'Mine'])
    expect(names).not.toContain('NodePorts')
  })
  test('resources without a weight weigh 1, and a zero stays where zero is a value', () => {
    const config = read(`profiles:
- pluginConfig:
  - name: NodeResourcesFit
    args: {scoringStrategy: {type: MostAllocated, resources: [{name: cpu}]}}
  - name: InterPodAffinity
    args: {hardPodAffinityWeight: 0}
`)
    const args = (wanted: string) => config.profiles[0]?.pluginConfig.find(({ name }) => name === wanted)?.args
    expect(args('NodeResourcesFit')).toMatchObject({ scoringStrategy: { type: 'MostAllocated', resources: [{ name: 'cpu', weight: 1 }] } })
    expect(args('InterPodAffinity')).toMatchObject({ hardPodAffinityWeight: 0 })
  })
})

test('the scoring of storage has a shape where the feature is on, and may have none elsewhere', () => {
  const gates = { StorageCapacityScoring: true }
  const binding = (config: ReturnType<typeof read>) => config.profiles[0]?.pluginConfig.find(({ name }) => name === 'VolumeBinding')?.args
  const config = withDefaults(decodeConfiguration(head), gates)
  expect(binding(config)).toMatchObject({
    shape: [
      { utilization: 0, score: 10 },
      { utilization: 100, score: 0 },
    ],
  })
  expect(validateConfiguration(config, gates)).toEqual([])
  expect(summariseErrors(validateConfiguration(config))).toContain(
    'unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring',
  )
})

describe('validation', () => {
  test.each([
    ['parallelism: 0', 'parallelism: Invalid value: 0: should be an integer value greater than zero'],
    ['percentageOfNodesToScore: 101', 'percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]'],
    ['podInitialBackoffSeconds: 0', 'podInitialBackoffSeconds: Invalid value: 0: must be greater than 0'],
    [
      'podInitialBackoffSeconds: 5\npodMaxBackoffSeconds: 2',
      'podMaxBackoffSeconds: Invalid value: 2: must be greater than or equal to PodInitialBackoffSeconds',
    ],
    ['profiles:\n- schedulerName: a\n- {}', 'profiles[1].schedulerName: Required value'],
    ['profiles:\n- schedulerName: a\n- schedulerName: a', 'profiles[1].schedulerName: Duplicate value: profiles[0].schedulerName'],
    ['profiles:\n- percentageOfNodesToScore: -1', 'profiles[0].percentageOfNodesToScore: Invalid value: -1: not in valid range [0-100]'],
    [
      'profiles:\n- plugins: {filter: {enabled: [{name: EBSLimits}]}}',
      'profiles[0].plugins.filter.enabled[0]: Invalid value: "EBSLimits": was invalid in version "v1" (KubeSchedulerConfiguration is version "kubescheduler.config.k8s.io/v1")',
    ],
    [
      'profiles:\n- schedulerName: a\n- schedulerName: b\n  plugins: {queueSort: {enabled: [{name: Mine}], disabled: [{name: PrioritySort}]}}',
      'must be the same for all profiles',
    ],
    [
      'leaderElection: {leaseDuration: 10s}',
      'leaderElection.leaseDuration: Invalid value: 10s: LeaseDuration must be greater than RenewDeadline',
    ],
    [
      'leaderElection: {resourceLock: endpoints}',
      'leaderElection.resourceLock: Invalid value: "endpoints": resourceLock value must be "leases"',
    ],
    ['extenders:\n- {urlPrefix: a, prioritizeVerb: p}', 'extenders[0].weight: Invalid value: 0: must have a positive weight applied to it'],
    [
      'extenders:\n- {urlPrefix: a, bindVerb: b}\n- {urlPrefix: c, bindVerb: b}',
      'extenders: Invalid value: "found 2 extenders implementing bind": only one extender can implement bind',
    ],
    [
      'extenders:\n- {urlPrefix: a, managedResources: [{name: cpu}]}',
      'extenders[0].managedResources[0].name: Invalid value: "cpu": is an invalid extended resource name',
    ],
    [
      'profiles:\n- pluginConfig: [{name: DefaultPreemption, args: {minCandidateNodesPercentage: 101}}]',
      'profiles[0].pluginConfig[0].args.minCandidateNodesPercentage: Invalid value: 101: not in valid range [0, 100]',
    ],
    [
      'profiles:\n- pluginConfig: [{name: InterPodAffinity, args: {hardPodAffinityWeight: 101}}]',
      'profiles[0].pluginConfig[0].args.hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]',
    ],
    [
      'profiles:\n- pluginConfig: [{name: PodTopologySpread, args: {defaultConstraints: [{maxSkew: 1, topologyKey: a, whenUnsatisfiable: ScheduleAnyway}]}}]',
      'profiles[0].pluginConfig[0].args.defaultingType: Invalid value: "System": when .defaultConstraints are not empty',
    ],
    [
      'profiles:\n- pluginConfig: [{name: NodeResourcesBalancedAllocation, args: {resources: [{name: cpu, weight: 2}]}}]',
      'profiles[0].pluginConfig[0].args.resources[0].weight: Invalid value: 2: must be 1',
    ],
    [
      'profiles:\n- pluginConfig: [{name: VolumeBinding, args: {bindTimeoutSeconds: -1}}]',
      'profiles[0].pluginConfig[0].args.bindTimeoutSeconds: Invalid value: -1: invalid BindTimeoutSeconds, should not be a negative value',
    ],
    ['profiles:\n- pluginConfig: [{name: Mine}, {name: Mine}]', 'profiles[0].pluginConfig[1]: Duplicate value: "Mine"'],
  ])('%s', (text, message) => {
    expect(faultsOf(text)).toContain(message)
  })
})

describe('the affinity that a profile adds', () => {
  const path = 'profiles[0].pluginConfig[0].args.addedAffinity'
  const required = `${path}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]`
  const withTerm = (term: string) =>
    faultsOf(
      `profiles:\n- pluginConfig: [{name: NodeAffinity, args: {addedAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [${term}]}}}}]`,
    )
  test.each([
    [
      'matchExpressions: [{key: a, operator: In}]',
      `matchExpressions[0].values: Invalid value: []string{}: for 'in', 'notin' operators, values set can't be empty`,
    ],
    [
      'matchExpressions: [{key: a, operator: Gt, values: [x]}]',
      `matchExpressions[0].values[0]: Invalid value: "x": for 'Gt', 'Lt' operators, the value must be an integer`,
    ],
    ['matchExpressions: [{key: a, operator: Lt, values: ["9223372036854775808"]}]', 'the value must be an integer'],
    [
      'matchExpressions: [{key: a, operator: In, values: ["-"]}]',
      'matchExpressions[0].values[0][a]: Invalid value: "-": a valid label must be',
    ],
    [
      'matchFields: [{key: metadata.name, operator: In, values: [a, b]}]',
      'matchFields[0].values: Invalid value: []string{"a", "b"}: must have one element',
    ],
    [
      'matchFields: [{key: metadata.name, operator: Exists}]',
      'matchFields[0].operator: Unsupported value: "Exists": supported values: "In", "NotIn"',
    ],
  ])('%s', (term, message) => {
    expect(withTerm(`{${term}}`)).toContain(message.startsWith('match') ? `${required}.${message}` : message)
  })
  test('may be of numbers', () => {
    expect(withTerm('{matchExpressions: [{key: a, operator: Gt, values: ["007"]}]}')).toBe('[]')
  })
})
