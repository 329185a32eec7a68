/** Pods as upstream's scheduler_perf has them. */
export type Template =
  | 'default'
  | 'daemonset'
  | 'lowPriority'
  | 'highPriority'
  | 'highPriorityLargeCpu'
  | 'nodeAffinity'
  | 'podAffinity'
  | 'podAntiAffinity'
  | 'preferredPodAffinity'
  | 'preferredPodAntiAffinity'
  | 'spreading'
  | 'preferredSpreading'
  | 'gated'
  | 'light'

export type Step =
  | { readonly nodes: number; readonly zones?: readonly string[]; readonly name?: string; readonly pods?: number }
  | { readonly pods: number; readonly template: Template; readonly namespace?: string; readonly measured?: true; readonly unbound?: true }
  /** Beside all that follows: makes one each time, or makes one of each and deletes it the next time. */
  | { readonly churn: readonly (Template | 'node' | 'service')[]; readonly mode: 'create' | 'recreate'; readonly everyMs: number }

export interface Case {
  /** Pods a second that upstream's CI wants at least; undefined where it has no threshold. */
  readonly threshold: number | undefined
  readonly steps: readonly Step[]
}

const moons = ['moon-1', 'moon-2', 'moon-3']
/** Some pods in a namespace, then others that are measured in a second one. */
const apart = (template: Template, before: number, measured: number, threshold: number, zones?: readonly string[]): Case => ({
  threshold,
  steps: [
    { nodes: 5000, ...(zones ? { zones } : {}) },
    { pods: before, template, namespace: 'sched-0' },
    { pods: measured, template, namespace: 'sched-1', measured: true },
  ],
})

/** The workloads of upstream's scheduler_perf that its CI measures, with the same shapes. */
export const cases: Readonly<Record<string, Case>> = {
  'SchedulingBasic/5000Nodes_10000Pods': {
    threshold: 680,
    steps: [{ nodes: 5000 }, { pods: 1000, template: 'default' }, { pods: 10_000, template: 'default', measured: true }],
  },
  'SchedulingBasic/5000Nodes_50000Pods': {
    threshold: 810,
    steps: [{ nodes: 5000 }, { pods: 5000, template: 'default' }, { pods: 50_000, template: 'default', measured: true }],
  },
  'SchedulingNodeAffinity/5000Nodes_10000Pods': {
    threshold: 220,
    steps: [
      { nodes: 5000, zones: ['zone1'] },
      { pods: 5000, template: 'nodeAffinity' },
      { pods: 10_000, template: 'nodeAffinity', measured: true },
    ],
  },
  'SchedulingPodAntiAffinity/5000Nodes_2000Pods': apart('podAntiAffinity', 1000, 2000, 60),
  'SchedulingPodAffinity/5000Nodes_5000Pods': apart('podAffinity', 5000, 5000, 35, ['zone1']),
  'SchedulingPreferredPodAffinity/5000Nodes_5000Pods': apart('preferredPodAffinity', 5000, 5000, 90),
  'SchedulingPreferredPodAntiAffinity/5000Nodes_5000Pods': apart('preferredPodAntiAffinity', 5000, 5000, 90),
  'MixedSchedulingBasePod/5000Nodes_5000Pods': {
    threshold: 140,
    steps: [
      { nodes: 5000, zones: ['zone1'] },
      ...(['default', 'podAffinity', 'podAntiAffinity', 'preferredPodAffinity', 'preferredPodAntiAffinity'] as const).map((template) => ({
        pods: 2000,
        template,
        namespace: 'sched-0',
      })),
      { pods: 5000, template: 'default', measured: true },
    ],
  },
  'TopologySpreading/5000Nodes_5000Pods': {
    threshold: 460,
    steps: [
      { nodes: 5000, zones: moons },
      { pods: 5000, template: 'default' },
      { pods: 5000, template: 'spreading', measured: true },
    ],
  },
  'PreferredTopologySpreading/5000Nodes_5000Pods': {
    threshold: 340,
    steps: [
      { nodes: 5000, zones: moons },
      { pods: 5000, template: 'default' },
      { pods: 5000, template: 'preferredSpreading', measured: true },
    ],
  },
  'PreemptionBasic/1000Nodes': {
    threshold: undefined,
    steps: [{ nodes: 1000 }, { pods: 4000, template: 'lowPriority' }, { pods: 1000, template: 'highPriority', measured: true }],
  },
  'PreemptionAsync/5000Nodes': {
    threshold: 570,
    steps: [
      { nodes: 5000 },
      { pods: 20_000, template: 'lowPriority' },
      { churn: ['highPriority'], mode: 'create', everyMs: 200 },
      { pods: 5000, template: 'default', measured: true },
    ],
  },
  'Unschedulable/5kNodes/100Init/10kPods': {
    threshold: 590,
    steps: [
      { nodes: 5000 },
      { pods: 100, template: 'default' },
      { churn: ['highPriorityLargeCpu'], mode: 'create', everyMs: 200 },
      { pods: 10_000, template: 'default', measured: true },
    ],
  },
  'SchedulingWithMixedChurn/5000Nodes_10000Pods': {
    threshold: 710,
    steps: [
      { nodes: 5000 },
      { churn: ['node', 'highPriorityLargeCpu', 'service'], mode: 'recreate', everyMs: 1000 },
      { pods: 10_000, template: 'default', measured: true },
    ],
  },
  'SchedulingDaemonset/15000Nodes': {
    threshold: 1100,
    steps: [
      { nodes: 1, name: 'scheduler-perf-node', pods: 90_000 },
      { nodes: 15_000 },
      { pods: 30_000, template: 'daemonset', measured: true },
    ],
  },
  'SchedulingWhileGated/1Node_10000GatedPods': {
    threshold: 910,
    steps: [
      { nodes: 1, name: 'scheduler-perf-node', pods: 90_000 },
      { pods: 10_000, template: 'gated', unbound: true },
      { pods: 20_000, template: 'light', measured: true },
    ],
  },
}
