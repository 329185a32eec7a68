import { tryCommand } from './run-command.ts'

/** Arguments for `iptables --table nat`, in order; `emptied`: afterwards the table holds no rule and no chain of anyone. */
export interface PortmapRemoval {
  readonly steps: readonly (readonly string[])[]
  readonly emptied: boolean
}

const shared = ['CNI-HOSTPORT-DNAT', 'CNI-HOSTPORT-SETMARK', 'CNI-HOSTPORT-MASQ']

interface Rule {
  readonly chain: string
  /** As iptables counts: from 1, within its chain. */
  readonly number: number
  readonly target: string
  readonly text: string
}

const rulesIn = (listing: string): readonly Rule[] => {
  const counts = new Map<string, number>()
  const rules: Rule[] = []
  for (const text of listing.split('\n')) {
    const chain = /^-A (\S+)/.exec(text)?.[1]
    if (chain === undefined) continue
    const number = (counts.get(chain) ?? 0) + 1
    counts.set(chain, number)
    rules.push({ chain, number, target: / -j (\S+)/.exec(text)?.[1] ?? '', text })
  }
  return rules
}

/**
 * The portmap plugin keeps its three shared chains for ever, and a pod's own when the pod was not removed in order. `listing` is what
 * `iptables --table nat --list-rules` prints. Chains that serve pods of other networks stay.
 */
export const planPortmapRemoval = (listing: string, networkName: string): PortmapRemoval => {
  const rules = rulesIn(listing)
  const chains = listing.split('\n').flatMap((line) => /^-N (\S+)/.exec(line)?.[1] ?? [])
  if (!chains.includes('CNI-HOSTPORT-DNAT')) return { steps: [], emptied: chains.length + rules.length === 0 }
  const forPods = rules.filter(({ chain }) => chain === 'CNI-HOSTPORT-DNAT')
  const ours = forPods.filter(({ text }) => text.includes(`name: \\"${networkName}\\"`))
  const last = ours.length === forPods.length
  const jumps = last ? rules.filter(({ chain, target }) => !chains.includes(chain) && shared.includes(target)) : []
  const chainsToGo = [...ours.toReversed().map(({ target }) => target), ...(last ? shared.filter((name) => chains.includes(name)) : [])]
  // From the end of each chain, since a deletion moves up what follows. A chain can go once no rule leads to it.
  const rulesToGo = [...ours, ...jumps].toSorted((a, b) => b.number - a.number)
  const restOfRules = rules.filter((rule) => !rulesToGo.includes(rule) && !chainsToGo.includes(rule.chain))
  return {
    steps: [
      ...rulesToGo.map(({ chain, number }) => ['--delete', chain, String(number)]),
      ...chainsToGo.map((chain) => ['--flush', chain]),
      ...chainsToGo.map((chain) => ['--delete-chain', chain]),
    ],
    emptied: restOfRules.length === 0 && chains.every((chain) => chainsToGo.includes(chain)),
  }
}

/** Removes the rules of a network's host ports in a network namespace (undefined: this process's own). */
export const removePortmapTraces = async (networkName: string, netns: string | undefined): Promise<void> => {
  const inNamespace = (command: string, ...args: string[]) =>
    netns === undefined ? tryCommand(command, args) : tryCommand('nsenter', [`--net=${netns}`, '--', command, ...args])
  let wasHere = false
  for (const [iptables, family] of [
    ['iptables', 'ip'],
    ['ip6tables', 'ip6'],
  ] as const) {
    const listing = await inNamespace(iptables, '--table', 'nat', '--list-rules').catch(() => undefined)
    if (listing?.exitCode !== 0) continue
    const { steps, emptied } = planPortmapRemoval(listing.stdout, networkName)
    for (const step of steps) await inNamespace(iptables, '--table', 'nat', ...step)
    wasHere ||= steps.length > 0
    // The tables themselves, of both families, were made by iptables over nftables, which makes them again whenever it needs them.
    if (wasHere && emptied) await inNamespace('nft', 'delete', 'table', family, 'nat').catch(() => undefined)
  }
}
