import type { EventRecorder } from '@skiff/client'
import { type FieldError, summariseErrors } from '@skiff/machinery'
import type { DefaultedProfile } from '../config/defaults.ts'
import { argChecks } from '../config/validate-args.ts'
import type { ExtensionPoint, Plugin } from '../cycle/framework.ts'
import { cyclePoints, expandPlugins, type PluginLists } from './expand.ts'
import type { PluginHandle, PluginRegistry } from './handle.ts'

/** A plugin that takes part in the cycles of pods, and at which points. */
export interface Enabled {
  readonly plugin: Plugin
  readonly weight: number
  readonly at: Readonly<Record<(typeof cyclePoints)[number], boolean>>
}

/** The plugins that schedule the pods of one scheduler name, by what they are for. */
export interface Profile {
  readonly schedulerName: string
  /** 0: upstream's own share. */
  readonly percentageOfNodesToScore: number
  /** In the order of their filters: the first that refuses a node names the reason. */
  readonly enabled: readonly Enabled[]
  readonly preEnqueue: readonly Plugin[]
  readonly queueSort: Plugin
  readonly postFilter: readonly Plugin[]
  readonly bind: readonly Plugin[]
  readonly postBind: readonly Plugin[]
  readonly byName: ReadonlyMap<string, Plugin>
  /** Every plugin is known to look at nothing but the pod's spec, labels and namespace. */
  readonly isInTree: boolean
}

/** A profile and who speaks for it. */
export interface Speaking {
  readonly profile: Profile
  readonly recorder: EventRecorder
}

export interface ProfileParts {
  readonly inTree: PluginRegistry
  readonly outOfTree: PluginRegistry
  readonly handle: PluginHandle
  readonly percentageOfNodesToScore: number
}

/** Makes the plugins of a profile. Throws with upstream's texts where the configuration does not hold together. */
export const createProfile = (config: DefaultedProfile, parts: ProfileParts): Profile => {
  const { schedulerName } = config
  const plugins = createPlugins(config, parts)
  const lists = expandPlugins(config.plugins, plugins)
  const pluginsAt = (point: ExtensionPoint): Plugin[] => lists[point].flatMap(({ name }) => plugins.get(name) ?? [])
  const [queueSort, ...more] = pluginsAt('queueSort')
  const who = `profile with scheduler name ${JSON.stringify(schedulerName)}`
  if (!queueSort) throw new Error(`at least one queue sort plugin is required for ${who}`)
  if (more.length > 0) throw new Error(`only one queue sort plugin required for ${who}, but got ${more.length + 1}`)
  const bind = pluginsAt('bind')
  if (bind.length === 0) throw new Error(`at least one bind plugin is needed for ${who}`)
  return {
    schedulerName,
    percentageOfNodesToScore: config.percentageOfNodesToScore ?? parts.percentageOfNodesToScore,
    enabled: enabledOf(lists, plugins),
    preEnqueue: pluginsAt('preEnqueue'),
    queueSort,
    postFilter: pluginsAt('postFilter'),
    bind,
    postBind: pluginsAt('postBind'),
    byName: plugins,
    isInTree: [...plugins.keys()].every((name) => !Object.hasOwn(parts.outOfTree, name)),
  }
}

const createPlugins = (config: DefaultedProfile, { inTree, outOfTree, handle }: ProfileParts): Map<string, Plugin> => {
  const args = new Map<string, unknown>()
  for (const { name, args: given } of config.pluginConfig) {
    if (args.has(name)) throw new Error(`repeated config for plugin ${name}`)
    args.set(name, given)
  }
  const wanted = new Set(Object.values(config.plugins).flatMap((set) => set?.enabled?.map(({ name }) => name) ?? []))
  const plugins = new Map<string, Plugin>()
  for (const name of wanted) {
    const make = Object.hasOwn(inTree, name) ? inTree[name] : Object.hasOwn(outOfTree, name) ? outOfTree[name] : undefined
    if (!make) continue
    try {
      if (name === 'NodeResourcesFit') refuseFaulty(name, args.get(name))
      const made = make(args.get(name), handle)
      plugins.set(name, made.name === name ? made : { ...made, name })
    } catch (error) {
      throw new Error(`initializing plugin ${JSON.stringify(name)}: ${(error as Error).message}`)
    }
  }
  return plugins
}

const refuseFaulty = (name: string, args: unknown): void => {
  const faults: FieldError[] = []
  if (Object.hasOwn(argChecks, name)) argChecks[name]?.(faults, '', args, {})
  if (faults.length > 0) throw new Error(summariseErrors(faults))
}

const enabledOf = (lists: PluginLists, plugins: ReadonlyMap<string, Plugin>): Enabled[] => {
  const order = ['filter', 'preFilter', 'score', 'preScore', 'reserve', 'permit', 'preBind'] as const
  const names = new Set(order.flatMap((point) => lists[point].map(({ name }) => name)))
  return [...names].flatMap((name) => {
    const plugin = plugins.get(name)
    if (!plugin?.begin) return []
    const at = Object.fromEntries(cyclePoints.map((point) => [point, lists[point].some((each) => each.name === name)])) as Enabled['at']
    const weight = lists.score.find((each) => each.name === name)?.weight || plugin.weight || 1
    return [{ plugin, weight, at }]
  })
}
