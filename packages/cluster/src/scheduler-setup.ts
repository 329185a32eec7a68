import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Gates, gatesOf } from '@skiff/api'
import { completeConfiguration, decodeConfiguration, type PluginRegistry, type SchedulerConfiguration } from '@skiff/scheduler'
import type { ClusterRecord } from './record.ts'
import { UserError } from './talk.ts'
import type { UpOptions } from './up-options.ts'

/** A KubeSchedulerConfiguration, checked. Refuses in upstream's words. */
export const readSchedulerConfiguration = (path: string, gates: Gates): SchedulerConfiguration => {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new UserError(`--scheduler-config: ${(error as Error).message}`)
  }
  try {
    const config = decodeConfiguration(text)
    completeConfiguration(config, gates)
    return config
  } catch (error) {
    throw new UserError(`${path}: ${(error as Error).message}`)
  }
}

/**
 * The plugins that files export as `plugins`, by name. Files are TypeScript, run by type stripping, or JavaScript; of two plugins of one
 * name the later counts.
 */
export const loadSchedulerPlugins = async (paths: readonly string[]): Promise<PluginRegistry> => {
  const found: Record<string, PluginRegistry[string]> = Object.create(null)
  for (const path of paths) {
    let loaded: { readonly plugins?: unknown }
    try {
      loaded = (await import(pathToFileURL(path).href)) as typeof loaded
    } catch (error) {
      throw new UserError(`--scheduler-plugins: ${path} cannot be loaded: ${(error as Error).message}`)
    }
    const { plugins } = loaded
    if (typeof plugins !== 'object' || plugins === null)
      throw new UserError(`--scheduler-plugins: ${path} exports no \`plugins\`: an object of factories by plugin name`)
    for (const [name, make] of Object.entries(plugins)) {
      if (typeof make !== 'function') throw new UserError(`--scheduler-plugins: ${name} in ${path} is no function`)
      found[name] = make as PluginRegistry[string]
    }
  }
  return found
}

/** What was asked for of the scheduler, refused before anything starts. */
export const schedulerChoice = (
  options: UpOptions,
  featureGates = options.featureGates ?? '',
): Pick<ClusterRecord, 'schedulerConfig' | 'schedulerPlugins'> => {
  const { schedulerConfig: config, schedulerPlugins: plugins } = options
  const files = plugins === undefined ? undefined : plugins.split(',').flatMap((each) => (each === '' ? [] : [resolve(each)]))
  for (const file of files ?? []) if (!existsSync(file)) throw new UserError(`--scheduler-plugins: there is no ${file}`)
  if (config) readSchedulerConfiguration(config, gatesOf(featureGates))
  return {
    ...(config === undefined ? {} : { schedulerConfig: config === '' ? '' : resolve(config) }),
    ...(files ? { schedulerPlugins: files } : {}),
  }
}

/** What `startScheduler` takes of a cluster's record. */
export const schedulerSetup = async (
  record: Pick<ClusterRecord, 'schedulerConfig' | 'schedulerPlugins' | 'featureGates'>,
): Promise<{ readonly configuration?: SchedulerConfiguration; readonly plugins: PluginRegistry }> => ({
  ...(record.schedulerConfig
    ? { configuration: readSchedulerConfiguration(record.schedulerConfig, gatesOf(record.featureGates ?? '')) }
    : {}),
  plugins: await loadSchedulerPlugins(record.schedulerPlugins ?? []),
})
