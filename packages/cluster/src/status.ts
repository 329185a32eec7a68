import { readFileSync } from 'node:fs'
import { hasRealNodes } from './cluster-network.ts'
import type { Place } from './place.ts'
import { isRunning } from './process-mark.ts'
import type { ClusterRecord } from './record.ts'
import { serviceRangeOf } from './service-ranges.ts'

/** A process's anonymous and file-backed resident memory, in MiB. */
const memoryOf = (pid: number): string => {
  try {
    const text = readFileSync(`/proc/${pid}/status`, 'utf8')
    const value = (name: string) => Math.round(Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0) / 1024)
    return `${value('RssAnon')} MiB memory (and ${value('RssFile')} MiB of files)`
  } catch {
    return 'memory unknown'
  }
}

const stateOf = (record: ClusterRecord): string => {
  const { server, ready, name } = record
  // `down` takes the server out of the record: one that is still there ended otherwise.
  if (!server) return 'stopped'
  if (!isRunning(server))
    return `the server has ended${hasRealNodes(record) ? '; containers run on' : ''}; \`skiff up --name ${name}\` starts it again`
  return `${ready === false ? 'starting' : 'running'}, process ${server.pid}, ${memoryOf(server.pid)}`
}

/** What `skiff status` prints of a cluster. */
export const describeStatus = async (place: Place, record: ClusterRecord): Promise<string> => {
  const lines = [
    `cluster     ${record.name}`,
    `state       ${stateOf(record)}`,
    `API         ${record.apiPort === 0 ? 'on any free port, once it starts' : `https://127.0.0.1:${record.apiPort}`}`,
    `runtime     ${record.simulatedNodes !== undefined ? 'none (nodes are simulated)' : record.controlPlaneOnly ? 'none (control plane only)' : record.runtime}`,
    ...(record.nodes.length > 0
      ? [`nodes       ${record.nodes.map((node) => `${node.name}${node.stopped ? ' (stopped)' : ''}`).join(', ')}`]
      : []),
    ...(record.simulatedNodes !== undefined ? [`nodes       ${record.simulatedNodes}, simulated`] : []),
    `pods        ${record.ranges.pods}`,
    `services    ${serviceRangeOf(record)}`,
    `data        ${place.dir}`,
    `kubeconfig  ${place.kubeconfig}`,
  ]
  return lines.join('\n')
}
