import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemEnv } from '@skiff/machinery'
import { nodePlaces } from './node-parts.ts'
import type { Place } from './place.ts'
import { isRunning, type ProcessMark } from './process-mark.ts'
import type { ClusterRecord } from './record.ts'

/** Files of a node that runs in a process of its own. */
export const memberFiles = (place: Place, nodeName: string) => {
  const { root, run } = nodePlaces(place, nodeName)
  return {
    root,
    run,
    mark: join(run, 'agent.json'),
    socket: join(run, 'agent.sock'),
    journal: join(root, 'journal.log'),
    nodeConfig: join(root, 'node.kubeconfig'),
    proxyConfig: join(root, 'proxy.kubeconfig'),
  }
}

export const memberMark = (place: Place, nodeName: string): ProcessMark | undefined => {
  const { mark } = memberFiles(place, nodeName)
  if (!existsSync(mark)) return undefined
  const held = JSON.parse(readFileSync(mark, 'utf8')) as ProcessMark
  return isRunning(held) ? held : undefined
}

export const writeMark = (place: Place, nodeName: string, mark: ProcessMark): void => {
  const files = memberFiles(place, nodeName)
  mkdirSync(files.run, { recursive: true, mode: 0o711 })
  writeFileSync(files.mark, JSON.stringify(mark))
}

const stopMs = 10_000

/** Ends the process of one node, by force when it does not listen. Its containers run on. */
export const stopMember = async (place: Place, nodeName: string): Promise<void> => {
  const mark = memberMark(place, nodeName)
  if (!mark) return
  const env = systemEnv()
  process.kill(mark.pid, 'SIGTERM')
  const deadline = env.monotonicMs() + stopMs
  while (isRunning(mark)) {
    await env.sleep(20)
    if (env.monotonicMs() > deadline && isRunning(mark)) process.kill(mark.pid, 'SIGKILL')
  }
  rmSync(memberFiles(place, nodeName).mark, { force: true })
}

/** Ends the processes of all nodes but the first. */
export const stopMembers = async (place: Place, record: ClusterRecord): Promise<void> => {
  await Promise.all(record.nodes.filter((node) => node.number !== 1).map((node) => stopMember(place, node.name)))
}
