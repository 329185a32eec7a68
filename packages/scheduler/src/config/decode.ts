import { formats } from '@skiff/api'
import { decodeObject, loadYaml, unknownFields } from '@skiff/machinery'
import type { ProfileConfig, SchedulerConfiguration } from './configuration.ts'
import { configSchema } from './schemas.ts'

export const configVersion = 'kubescheduler.config.k8s.io/v1'
const kind = 'KubeSchedulerConfiguration'

type Input = Readonly<Record<string, unknown>>
const isRecord = (value: unknown): value is Input => typeof value === 'object' && value !== null && !Array.isArray(value)
const groupOf = (apiVersion: string): string => (apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '')

/** Reads a file's text, YAML or JSON, as kube-scheduler does: strictly. Throws with upstream's texts; nothing is defaulted yet. */
export const decodeConfiguration = (text: string): SchedulerConfiguration => {
  const { value, duplicates } = loadYaml(text)
  const input: Input = isRecord(value) ? value : {}
  const { apiVersion = '', kind: named = '' } = input as { apiVersion?: string; kind?: string }
  if (!named) throw new Error(`Object 'Kind' is missing in '${text}'`)
  if (!apiVersion) throw new Error(`Object 'apiVersion' is missing in '${text}'`)
  if (apiVersion !== configVersion || named !== kind)
    throw new Error(
      `no kind ${JSON.stringify(named)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/scheduler/apis/config/scheme/scheme.go:30"`,
    )
  const schema = configSchema(kind)
  if (!schema) throw new Error(`no schema of ${kind}`)
  const decoded = decodeObject(schema, input, formats).object as unknown as SchedulerConfiguration
  const strict = [...duplicates, ...unknownFields(schema, input)]
  const profiles = decoded.profiles?.map((profile, at) => withArgs(profile, at, strict))
  if (strict.length > 0) throw new Error(`strict decoding error: ${strict.join(', ')}`)
  return { ...decoded, ...(profiles ? { profiles } : {}) }
}

/** The arguments of in-tree plugins are read by their own types; those of others are the plugins' business. */
const withArgs = (profile: ProfileConfig, index: number, strict: string[]): ProfileConfig => {
  if (!profile.pluginConfig) return profile
  const pluginConfig = profile.pluginConfig.map(({ name, args }, at) => {
    const where = `decoding .profiles[${index}].pluginConfig[${at}]`
    const schema = configSchema(`${name}Args`)
    if (!schema) return { name, args }
    const input = isRecord(args) ? args : {}
    const { apiVersion = configVersion, kind: given = `${name}Args` } = input as { apiVersion?: string; kind?: string }
    if (given !== `${name}Args` || groupOf(apiVersion) !== groupOf(configVersion))
      throw new Error(
        `${where}: args for plugin ${name} were not of type ${name}Args.${groupOf(configVersion)}, got ${given}.${groupOf(apiVersion)}`,
      )
    const { object } = decodedArgs(schema, input, `${where}: decoding args for plugin ${name}`)
    const unknown = unknownFields(schema, input)
    if (unknown.length > 0)
      strict.push(`${where}: strict decoding error: decoding args for plugin ${name}: strict decoding error: ${unknown.join(', ')}`)
    return { name, args: object }
  })
  return { ...profile, pluginConfig }
}

const decodedArgs = (schema: NonNullable<ReturnType<typeof configSchema>>, input: Input, where: string) => {
  try {
    return decodeObject(schema, input, formats)
  } catch (error) {
    throw new Error(`${where}: ${(error as Error).message}`)
  }
}
