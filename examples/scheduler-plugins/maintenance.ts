import type { PluginFactory, Verdict } from '@skiff/scheduler'

/** Nodes that are announced for maintenance, by a label whose name is the plugin's argument, take no new pods. */
const maintenance: PluginFactory = (args) => {
  const { label = 'example.com/maintenance' } = (args ?? {}) as { readonly label?: string }
  const closed: Verdict = { plugin: 'Maintenance', reasons: ['node(s) were in maintenance'], unresolvable: true }
  return {
    name: 'Maintenance',
    points: ['filter'],
    perNode: true,
    reactsTo: ['node-added', 'node-updated'],
    begin: (_pod, { snapshot }) => ({
      filter: (slot) => (snapshot.node(slot)?.node.metadata.labels?.[label] === 'true' ? closed : undefined),
    }),
    hint: (event) => event.on === 'node-added' || (event.on === 'node-updated' && event.changed.labels),
  }
}

/** Pods of one gang, by label, are bound together: each waits at Permit until as many as the gang has are placed. */
const gang: PluginFactory = (_args, { waitingPods }) => {
  const groupOf = (labels: Readonly<Record<string, string>>) => labels['example.com/gang']
  return {
    name: 'Gang',
    points: ['permit'],
    reactsTo: ['pod-assigned', 'pod-removed', 'node-added'],
    begin: ({ labels }) => {
      const group = groupOf(labels)
      if (group === undefined) return 'skip'
      const size = Number(labels['example.com/gang-size'] ?? 1)
      return {
        permit: () => {
          const waiting = [...waitingPods.list()].filter(({ pod }) => groupOf(pod.labels) === group)
          if (waiting.length + 1 < size) return { waitMs: 30_000 }
          for (const each of waiting) each.allow('Gang')
          return undefined
        },
      }
    },
  }
}

export const plugins = { Maintenance: maintenance, Gang: gang }
