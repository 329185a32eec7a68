import type { StatsSummary } from './summary.ts'

/** The summary as the kubelet's `/metrics/resource` has it, in Prometheus' text format. */
export const resourceMetrics = ({ node, pods }: StatsSummary): string => {
  const lines: string[] = []
  const family = (
    name: string,
    type: string,
    help: string,
    samples: readonly (readonly [labels: Record<string, string>, value: number])[],
  ) => {
    if (samples.length === 0) return
    lines.push(`# HELP ${name} [STABLE] ${help}`, `# TYPE ${name} ${type}`)
    for (const [labels, value] of samples) {
      const text = Object.entries(labels).map(([key, label]) => `${key}=${JSON.stringify(label)}`)
      lines.push(`${name}${text.length > 0 ? `{${text.join(',')}}` : ''} ${value}`)
    }
  }
  const containers = pods.flatMap((pod) =>
    pod.containers.map(
      (container) => [{ container: container.name, namespace: pod.podRef.namespace, pod: pod.podRef.name }, container] as const,
    ),
  )
  const ofPod = pods.map((pod) => [{ namespace: pod.podRef.namespace, pod: pod.podRef.name }, pod] as const)
  const seconds = (nanos: number) => nanos / 1e9
  const cpuHelp = 'Cumulative cpu time consumed by'
  const memoryHelp = 'Current working set of'
  family(
    'container_cpu_usage_seconds_total',
    'counter',
    `${cpuHelp} the container in core-seconds`,
    containers.map(([labels, { cpu }]) => [labels, seconds(cpu.usageCoreNanoSeconds)]),
  )
  family(
    'container_memory_working_set_bytes',
    'gauge',
    `${memoryHelp} the container in bytes`,
    containers.map(([labels, { memory }]) => [labels, memory.workingSetBytes]),
  )
  family(
    'container_start_time_seconds',
    'gauge',
    'Start time of the container since unix epoch in seconds',
    containers.map(([labels, { startTime }]) => [labels, Date.parse(startTime) / 1000]),
  )
  family(
    'node_cpu_usage_seconds_total',
    'counter',
    `${cpuHelp} the node in core-seconds`,
    node.cpu ? [[{}, seconds(node.cpu.usageCoreNanoSeconds)]] : [],
  )
  family(
    'node_memory_working_set_bytes',
    'gauge',
    `${memoryHelp} the node in bytes`,
    node.memory ? [[{}, node.memory.workingSetBytes]] : [],
  )
  family(
    'pod_cpu_usage_seconds_total',
    'counter',
    `${cpuHelp} the pod in core-seconds`,
    ofPod.map(([labels, { cpu }]) => [labels, seconds(cpu.usageCoreNanoSeconds)]),
  )
  family(
    'pod_memory_working_set_bytes',
    'gauge',
    `${memoryHelp} the pod in bytes`,
    ofPod.map(([labels, { memory }]) => [labels, memory.workingSetBytes]),
  )
  lines.push(
    '# HELP scrape_error [STABLE] 1 if there was an error while getting container metrics, 0 otherwise',
    '# TYPE scrape_error gauge',
    'scrape_error 0',
    '',
  )
  return lines.join('\n')
}
