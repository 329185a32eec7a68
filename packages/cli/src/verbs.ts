import type { Verb, VerbGroup } from './verb.ts'

export interface VerbEntry {
  readonly about: string
  readonly load: () => Promise<Verb | VerbGroup>
}

/** kubectl's verbs, each loaded when it is called. The order is that of the help. */
export const verbs: Readonly<Record<string, VerbEntry>> = {
  create: { about: 'Create a resource from a file or from stdin', load: async () => (await import('./verbs/create.ts')).create },
  expose: { about: 'Expose a workload as a new service', load: async () => (await import('./verbs/expose.ts')).expose },
  run: { about: 'Run a particular image on the cluster', load: async () => (await import('./verbs/run.ts')).run },
  set: { about: 'Set specific features on objects', load: async () => (await import('./verbs/set.ts')).set },
  explain: { about: 'Get documentation for a resource', load: async () => (await import('./verbs/explain.ts')).explain },
  get: { about: 'Display one or many resources', load: async () => (await import('./verbs/get.ts')).get },
  edit: { about: 'Edit a resource on the server', load: async () => (await import('./verbs/edit.ts')).edit },
  delete: { about: 'Delete resources', load: async () => (await import('./verbs/delete.ts')).remove },
  rollout: { about: 'Manage the rollout of a resource', load: async () => (await import('./verbs/rollout.ts')).rollout },
  scale: { about: 'Set a new size for a workload', load: async () => (await import('./verbs/scale.ts')).scale },
  autoscale: { about: 'Auto-scale a workload', load: async () => (await import('./verbs/autoscale.ts')).autoscale },
  'cluster-info': { about: 'Display cluster information', load: async () => (await import('./verbs/cluster-info.ts')).clusterInfo },
  top: { about: 'Display resource (CPU/memory) usage', load: async () => (await import('./verbs/top.ts')).top },
  cordon: { about: 'Mark node as unschedulable', load: async () => (await import('./verbs/drain.ts')).cordon },
  uncordon: { about: 'Mark node as schedulable', load: async () => (await import('./verbs/drain.ts')).uncordon },
  drain: { about: 'Drain node in preparation for maintenance', load: async () => (await import('./verbs/drain.ts')).drain },
  taint: { about: 'Update the taints on one or more nodes', load: async () => (await import('./verbs/taint.ts')).taint },
  describe: { about: 'Show details of resources', load: async () => (await import('./verbs/describe.ts')).describe },
  logs: { about: 'Print the logs for a container in a pod', load: async () => (await import('./verbs/logs.ts')).logs },
  attach: { about: 'Attach to a running container', load: async () => (await import('./verbs/exec.ts')).attach },
  exec: { about: 'Execute a command in a container', load: async () => (await import('./verbs/exec.ts')).exec },
  'port-forward': { about: 'Forward local ports to a pod', load: async () => (await import('./verbs/port-forward.ts')).portForward },
  cp: { about: 'Copy files and directories to and from containers', load: async () => (await import('./verbs/cp.ts')).cp },
  auth: { about: 'Inspect authorization', load: async () => (await import('./verbs/auth.ts')).auth },
  events: { about: 'List events', load: async () => (await import('./verbs/events.ts')).events },
  diff: { about: 'Diff the live version against a would-be applied version', load: async () => (await import('./verbs/diff.ts')).diff },
  apply: { about: 'Apply a configuration to a resource', load: async () => (await import('./verbs/apply.ts')).apply },
  patch: { about: 'Update fields of a resource', load: async () => (await import('./verbs/patch.ts')).patch },
  replace: { about: 'Replace a resource', load: async () => (await import('./verbs/replace.ts')).replace },
  wait: { about: 'Wait for a condition on resources', load: async () => (await import('./verbs/wait.ts')).wait },
  label: { about: 'Update the labels on a resource', load: async () => (await import('./verbs/label.ts')).label },
  annotate: { about: 'Update the annotations on a resource', load: async () => (await import('./verbs/label.ts')).annotate },
  'api-resources': {
    about: 'Print the supported API resources',
    load: async () => (await import('./verbs/api-resources.ts')).apiResources,
  },
  'api-versions': { about: 'Print the supported API versions', load: async () => (await import('./verbs/api-resources.ts')).apiVersions },
  version: { about: 'Print the client and server version information', load: async () => (await import('./verbs/version.ts')).version },
  config: { about: 'Modify kubeconfig files', load: async () => (await import('./verbs/config.ts')).config },
}

export const aliases: Readonly<Record<string, string>> = { log: 'logs' }
