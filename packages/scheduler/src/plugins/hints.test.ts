import type { Node, Pod, PodSpec } from '@skiff/api'
import { describe, expect, test } from 'vitest'
import type { ClusterEvent, Plugin } from '../cycle/framework.ts'
import { podInfoOf } from '../snapshot/pod-info.ts'
import { still } from '../testing/decisions.ts'
import { type NodeOptions, nodeOf, podOf } from '../testing/objects.ts'
import { interPodAffinity } from './inter-pod-affinity.ts'
import { nodeAffinity } from './node-affinity.ts'
import { nodeResourcesFit } from './node-resources-fit.ts'
import { nodeUnschedulable } from './node-unschedulable.ts'
import { nodeVolumeLimits } from './node-volume-limits.ts'
import { podTopologySpread } from './pod-topology-spread.ts'
import { taintToleration } from './taint-toleration.ts'
import { createVolumeBinding } from './volume-binding.ts'

const volumeBinding = createVolumeBinding(async () => {})
const { cluster } = still([])
const helps = (plugin: Plugin, event: ClusterEvent, pod: Pod): boolean =>
  (plugin.reactsTo?.includes(event.on) ?? true) && (plugin.hint?.(event, podInfoOf(pod), cluster) ?? true)

const web = { app: 'web' }
const zone = 'topology.kubernetes.io/zone'
const added = (options: NodeOptions = {}): ClusterEvent => ({ on: 'node-added', node: nodeOf('n', options) })
const removed = (options: NodeOptions = {}): ClusterEvent => ({ on: 'node-removed', node: nodeOf('n', options) })
const assigned = (pod: Pod): ClusterEvent => ({ on: 'pod-assigned', pod: podInfoOf(pod) })
const gone = (pod: Pod): ClusterEvent => ({ on: 'pod-removed', pod: podInfoOf(pod) })
const relabelled = (before: Record<string, string>, after: Record<string, string>): ClusterEvent => ({
  on: 'pod-updated',
  before: podInfoOf(podOf('x', { labels: before })),
  pod: podInfoOf(podOf('x', { labels: after })),
})
const changedNode = (before: NodeOptions, after: NodeOptions, changed: 'allocatable' | 'labels' | 'taints'): ClusterEvent => {
  const none = { allocatable: false, labels: false, taints: false, annotations: false, conditions: false }
  const nodes: Record<'before' | 'node', Node> = { before: nodeOf('n', before), node: nodeOf('n', after) }
  return { on: 'node-updated', ...nodes, changed: { ...none, [changed]: true } }
}
const cpu = (amount: string) => ({ requests: { cpu: amount } })
const has = (amount: string): NodeOptions => ({ allocatable: { cpu: amount } })

describe('which events bring a refused pod back', () => {
  const spread: Partial<PodSpec> = {
    topologySpreadConstraints: [{ maxSkew: 1, topologyKey: zone, whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: web } }],
  }
  const spreading = podOf('p', { labels: web, spec: spread })
  const shy = podOf('p', {
    spec: {
      affinity: {
        podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: zone, labelSelector: { matchLabels: web } }] },
      },
    },
  })
  const plain = podOf('x')
  const tainted: NodeOptions = { spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } }
  const bearing = podOf('p', { spec: { tolerations: [{ key: 'k', operator: 'Exists' }] } })
  const choosy = podOf('p', { spec: { nodeSelector: { disk: 'ssd' } } })
  const near = (matchLabels: Record<string, string>) => ({ topologyKey: zone, labelSelector: { matchLabels } })
  const ownGroup = podOf('p', {
    labels: web,
    spec: { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [near(web)] } } },
  })
  const friendly = podOf('p', {
    spec: { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [near(web), near({ track: 'a' })] } } },
  })
  const user = podOf('x', { spec: { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] } })
  const claimAdded = (name: string): ClusterEvent => ({
    on: 'storage',
    resource: 'persistentvolumeclaims',
    after: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { ...plain.metadata, name } },
  })
  test.each<[string, boolean, Plugin, ClusterEvent, Pod]>([
    ['a node that holds it', true, nodeResourcesFit, added(has('4')), podOf('p', cpu('2'))],
    ['a node too small', false, nodeResourcesFit, added(has('1')), podOf('p', cpu('2'))],
    ['more of what it needs', true, nodeResourcesFit, changedNode(has('1'), has('4'), 'allocatable'), podOf('p', cpu('2'))],
    ['less of it', false, nodeResourcesFit, changedNode(has('8'), has('4'), 'allocatable'), podOf('p', cpu('2'))],
    ['a node for no pod at all', false, nodeResourcesFit, added({ allocatable: { pods: '0' } }), podOf('p', cpu('2'))],
    ['a node comes cordoned', false, nodeUnschedulable, added({ spec: { unschedulable: true } }), plain],
    ['a taint goes', true, taintToleration, changedNode(tainted, {}, 'taints'), plain],
    ['a taint goes that it bore', false, taintToleration, changedNode(tainted, {}, 'taints'), bearing],
    ['a node gets its label', true, nodeAffinity, changedNode({}, { labels: { disk: 'ssd' } }, 'labels'), choosy],
    [
      'a node had its label',
      false,
      nodeAffinity,
      changedNode({ labels: { disk: 'ssd' } }, { labels: { disk: 'ssd', x: '' } }, 'labels'),
      choosy,
    ],
    ['a pod comes that one of its terms means', false, interPodAffinity, assigned(podOf('x', { labels: web })), friendly],
    ['a pod comes that all of them mean', true, interPodAffinity, assigned(podOf('x', { labels: { ...web, track: 'a' } })), friendly],
    ['a cordon lifted', true, nodeUnschedulable, changedNode({ spec: { unschedulable: true } }, {}, 'taints'), plain],
    ['a cordon made', false, nodeUnschedulable, changedNode({}, { spec: { unschedulable: true } }, 'taints'), plain],
    ['a node with the key', true, podTopologySpread, added({ labels: { [zone]: 'a' } }), spreading],
    ['a node without it', false, podTopologySpread, added(), spreading],
    ['a domain gone', true, podTopologySpread, removed({ labels: { [zone]: 'a' } }), spreading],
    ['a pod that counts', true, podTopologySpread, assigned(podOf('x', { labels: web })), spreading],
    ['a pod that does not', false, podTopologySpread, assigned(plain), spreading],
    ['a pod of another namespace', false, podTopologySpread, gone(podOf('x', { labels: web, namespace: 'b' })), spreading],
    ['a pod that counts no more', true, podTopologySpread, relabelled(web, {}), spreading],
    ['a pod of its own group goes', true, interPodAffinity, gone(podOf('x', { labels: { ...web, track: 'a' } })), ownGroup],
    ['a pod that it looks for goes', false, interPodAffinity, gone(podOf('x', { labels: { ...web, track: 'a' } })), friendly],
    ['a pod that it avoids goes', true, interPodAffinity, gone(podOf('x', { labels: web })), shy],
    ['another goes', false, interPodAffinity, gone(plain), shy],
    ['a pod that it avoids is relabelled', true, interPodAffinity, relabelled(web, {}), shy],
    ['another is', false, interPodAffinity, relabelled({ a: 'b' }, {}), shy],
    ['a pod with volumes goes', true, nodeVolumeLimits, gone(user), user],
    ['a pod without', false, nodeVolumeLimits, gone(plain), user],
    ['its claim comes', true, volumeBinding, claimAdded('c'), user],
    ['another claim does', false, volumeBinding, claimAdded('d'), user],
  ])('%s: %s', (_what, expected, plugin, event, pod) => {
    expect(helps(plugin, event, pod)).toBe(expected)
  })
})
