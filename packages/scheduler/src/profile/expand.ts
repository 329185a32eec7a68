import type { PluginRef, PluginSets } from '../config/configuration.ts'
import { type ExtensionPoint, extensionPoints, type Plugin } from '../cycle/framework.ts'

/** The plugins of each extension point, in the order in which they are asked, with the weights of their scores. */
export type PluginLists = Readonly<Record<ExtensionPoint, readonly PluginRef[]>>

/** Where a plugin can be enabled. */
export const pointsOf = (plugin: Plugin): ReadonlySet<ExtensionPoint> => {
  if (plugin.points) return new Set(plugin.points)
  const found = new Set<ExtensionPoint>()
  if (plugin.begin) for (const point of cyclePoints) found.add(point)
  if (plugin.preEnqueue) found.add('preEnqueue')
  if (plugin.goesFirst) found.add('queueSort')
  if (plugin.postFilter) found.add('postFilter')
  if (plugin.bind) found.add('bind')
  if (plugin.postBind) found.add('postBind')
  return found
}
/** What `begin` answers may stand for. */
export const cyclePoints = ['preFilter', 'filter', 'preScore', 'score', 'reserve', 'permit', 'preBind'] as const

/** Upstream's name of an extension point's interface. */
const interfaceOf = (point: ExtensionPoint): string => `${point.charAt(0).toUpperCase()}${point.slice(1)}Plugin`
// The order in which upstream goes through them, which decides the fault that is told.
const inUpstreamOrder: readonly ExtensionPoint[] = [
  ...(['preFilter', 'filter', 'postFilter', 'reserve', 'preScore', 'score', 'preBind', 'bind', 'postBind', 'permit'] as const),
  ...(['preEnqueue', 'queueSort'] as const),
]

/**
 * Brings multiPoint into the lists of the extension points by upstream's rules: what a point names itself overrides what multiPoint says
 * of it, comes first in the point's own order where multiPoint names it too, and last where it does not; what a point disables is left
 * out. Throws with upstream's texts.
 */
export const expandPlugins = (sets: PluginSets, plugins: ReadonlyMap<string, Plugin>): PluginLists => {
  const extendsPoint = (name: string, point: ExtensionPoint): boolean => {
    const plugin = plugins.get(name)
    if (!plugin) throw new Error(`${interfaceOf(point)} ${JSON.stringify(name)} does not exist`)
    return pointsOf(plugin).has(point)
  }
  const registered = (name: string, point: ExtensionPoint) =>
    new Error(`plugin ${JSON.stringify(name)} already registered as ${JSON.stringify(interfaceOf(point))}`)
  for (const point of inUpstreamOrder) {
    const seen = new Set<string>()
    for (const { name } of sets[point]?.enabled ?? []) {
      if (!extendsPoint(name, point)) throw new Error(`plugin ${JSON.stringify(name)} does not extend ${interfaceOf(point)} plugin`)
      if (seen.has(name)) throw registered(name, point)
      seen.add(name)
    }
  }
  const lists = Object.fromEntries(extensionPoints.map((point) => [point, sets[point]?.enabled ?? []])) as Record<
    ExtensionPoint,
    readonly PluginRef[]
  >
  for (const point of inUpstreamOrder) {
    const own = lists[point]
    const disabled = new Set(sets[point]?.disabled?.map(({ name }) => name))
    if (disabled.has('*')) continue
    const many: PluginRef[] = []
    const overridden = new Set<string>()
    for (const each of sets.multiPoint?.enabled ?? []) {
      const { name } = each
      if (!extendsPoint(name, point) || disabled.has(name)) continue
      if (own.some((other) => other.name === name)) overridden.add(name)
      else if (many.some((other) => other.name === name)) throw registered(name, point)
      else many.push(each)
    }
    lists[point] = [...own.filter(({ name }) => overridden.has(name)), ...many, ...own.filter(({ name }) => !overridden.has(name))]
  }
  return lists
}
