import { mkdir, readdir, rm, statfs, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { run, runOrThrow } from '../run.ts'
import { bridgesOf, NETNS_DIR } from './network.ts'
import type { Machine, Step } from './plan.ts'
import type { Cidr } from './ranges.ts'

export interface MachineOptions {
  readonly netnsDir?: string
  /** Stands for the host itself in tests: a namespace in which everything happens. */
  readonly netns?: string
}

/** Looks at what of the machine matters to a cluster's network. */
export const observeMachine = async ({ netnsDir = NETNS_DIR, netns }: MachineOptions = {}): Promise<Machine> => {
  const [links, files, tables, chains] = await Promise.all([
    runOrThrow(['ip', '-j', 'link', 'show'], { netns }),
    readdir(netnsDir).catch(() => []),
    runOrThrow(['nft', 'list', 'tables', 'ip'], { netns }),
    run(['nft', 'list', 'chains', 'ip'], { netns }),
  ])
  const dropping = /table ip filter \{[^}]*chain FORWARD \{\s*type filter hook forward [^}]*policy drop;/.test(chains.stdout)
  const rules = dropping ? (await run(['iptables', '-S', 'FORWARD'], { netns })).stdout.trim().split('\n') : undefined
  return {
    links: new Set(list(links).map((link) => String(link.ifname))),
    namespaces: new Map(
      await Promise.all(files.map(async (name) => [join(netnsDir, name), await isNamespace(join(netnsDir, name))] as const)),
    ),
    tables: new Set(tables.split('\n').flatMap((line) => /^table ip (\S+)$/.exec(line)?.[1] ?? [])),
    ...(rules !== undefined && { droppingForward: rules }),
  }
}

const NSFS_MAGIC = 0x6e736673

const isNamespace = async (path: string): Promise<boolean> => (await statfs(path).catch(() => undefined))?.type === NSFS_MAGIC

/** The ranges that the machine uses already, those of `cluster` itself not among them: the input of chooseRanges. */
export const takenRanges = async (cluster: string, { netns }: MachineOptions = {}): Promise<Cidr[]> => {
  const own = new Set(bridgesOf(cluster))
  const [routes, addresses] = await Promise.all([
    runOrThrow(['ip', '-j', '-4', 'route', 'show', 'table', 'all'], { netns }),
    runOrThrow(['ip', '-j', '-4', 'address', 'show'], { netns }),
  ])
  const used = list(routes).filter((route) => !own.has(String(route.dev)) && route.dst !== 'default')
  const local = list(addresses)
    .filter((link) => !own.has(String(link.ifname)))
    .flatMap((link) => (Array.isArray(link.addr_info) ? link.addr_info : []) as Json[])
  return [...used.map((route) => String(route.dst)), ...local.map((one) => `${one.local}/${one.prefixlen}`)]
}

type Json = Readonly<Record<string, unknown>>

const list = (json: string): Json[] => (json.trim() === '' ? [] : (JSON.parse(json) as Json[]))

/** Does the steps in order. Throws at the first that fails, with what it was. */
export const applySteps = async (steps: readonly Step[], { netns: host }: MachineOptions = {}): Promise<void> => {
  for (const step of steps) {
    const netns = 'netns' in step && step.netns !== undefined ? step.netns : host
    switch (step.do) {
      case 'namespace':
        await mkdir(dirname(step.path), { recursive: true })
        await writeFile(step.path, '')
        // Not `ip netns add`: that turns the whole directory into a mount, which would stay for ever.
        await runOrThrow(['unshare', `--net=${step.path}`, 'true'])
        break
      case 'drop-namespace':
        await run(['umount', '-l', step.path])
        await rm(step.path, { force: true })
        break
      case 'ip':
        await runOrThrow(['ip', '-batch', '-'], { netns, input: step.lines.map((line) => `${line}\n`).join('') })
        break
      case 'sysctl':
        await runOrThrow(['sh', '-ec', sysctlScript(step.settings, step.optional ?? [])], { netns })
        break
      case 'nft':
        await runOrThrow(['nft', '-f', '-'], { netns, input: step.text })
        break
      case 'run':
        await runOrThrow(step.argv, { netns })
        break
    }
  }
}

/** A value that stands already is not written, for a read-only /proc/sys in a container must not be in the way when all is well. */
const sysctlScript = (settings: readonly string[], optional: readonly string[]): string => {
  const line = (setting: string, tail: string) => {
    const [key = '', value = ''] = setting.split('=')
    return `[ "$(cat /proc/sys/${key} 2>/dev/null)" = ${value} ] || echo ${value} > /proc/sys/${key}${tail}`
  }
  const modules = optional.some((one) => one.startsWith('net/bridge/'))
    ? ['[ -e /proc/sys/net/bridge ] || modprobe br_netfilter 2>/dev/null || true']
    : []
  return [...modules, ...settings.map((one) => line(one, '')), ...optional.map((one) => line(one, ' 2>/dev/null || true'))].join('\n')
}
