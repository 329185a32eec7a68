import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { PodNetwork } from './cni-config.ts'
import { tryCommand } from './run-command.ts'

const cniCache = '/var/lib/cni/results'

/** Results that libcni keeps outside of our directories for pods which were not removed in order. */
export const removeNetworkTraces = async (network: PodNetwork, sandboxIds: readonly string[]): Promise<void> => {
  const ours = (name: string): boolean => name.startsWith(`${network.name}-`) || sandboxIds.some((id) => name.includes(id))
  for (const name of await readdir(cniCache).catch(() => [])) if (ours(name)) await rm(join(cniCache, name), { force: true })
}

/** Removes the node's bridge; nothing when it, or its namespace, is not there. */
export const removeBridge = async (bridge: string, netns: string | undefined): Promise<void> => {
  const link = ['ip', 'link', 'delete', bridge, 'type', 'bridge']
  const [command = 'ip', ...args] = netns === undefined ? link : ['nsenter', `--net=${netns}`, '--', ...link]
  await tryCommand(command, args)
}
