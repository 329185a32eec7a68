import type { ResourceFacts } from '../facts.ts'
import { notGoBool, parseGoBool } from './gates.ts'

/** Tells whether a resource of the facts is served. */
export type Serves = (resource: Pick<ResourceFacts, 'group' | 'version' | 'plural' | 'off'>) => boolean

export const servesDefaults: Serves = ({ off }) => off !== true

/** Reads `api/all=true,apps/v1=false`; a key without a value is on. */
export const parseRuntimeConfig = (text: string): ReadonlyMap<string, string> => {
  const given = new Map<string, string>()
  for (const part of text.split(',')) {
    if (part === '') continue
    const at = part.indexOf('=')
    given.set((at < 0 ? part : part.slice(0, at)).trim(), at < 0 ? '' : part.slice(at + 1).trim())
  }
  return given
}

/** Versions by stage, in the order in which upstream applies them. */
const matchers: readonly (readonly [string, RegExp])[] = [
  ['api/all', /^/],
  ['api/ga', /^v\d+$/],
  ['api/beta', /^v\d+beta\d+$/],
  ['api/alpha', /^v\d+alpha\d+$/],
]
const isMatcher = (key: string): boolean => matchers.some(([name]) => name === key)

/** Which resources are served under a runtime config. Throws an Error with upstream's text. */
export const resolveRuntimeConfig = (given: ReadonlyMap<string, string>, resources: readonly ResourceFacts[]): Serves => {
  if (given.size === 0) return servesDefaults
  checkKeys(given, resources)
  const versions = new Map<string, boolean>()
  for (const [flag, pattern] of matchers) {
    const value = given.get(flag)
    if (value === undefined) continue
    if (value !== 'true' && value !== 'false') throw new Error(`invalid value ${flag}=${value}`)
    for (const { group, version } of resources) if (pattern.test(version)) versions.set(`${group}/${version}`, value === 'true')
  }
  const single = new Map<string, boolean>()
  for (const [key, value] of given) if (!isMatcher(key)) prefer(key, value, resources, versions, single)
  return ({ group, version, plural, off }) =>
    single.get(`${group}/${version}/${plural}`) ?? versions.get(`${group}/${version}`) ?? off !== true
}

const checkKeys = (given: ReadonlyMap<string, string>, resources: readonly ResourceFacts[]): void => {
  if (given.size === 1 && given.get('api/all') === 'false') throw new Error('invalid key with only api/all=false')
  const unknown = new Set<string>()
  for (const key of given.keys()) {
    if (isMatcher(key)) continue
    const words = key.split('/')
    if (words.length !== 2 && words.length !== 3) throw new Error(`runtime-config invalid key ${key}`)
    const { group } = groupVersionOf(words)
    if (!resources.some((each) => each.group === group)) unknown.add(group)
  }
  if (unknown.size > 0) throw new Error(`unknown api groups ${[...unknown].join(',')}`)
}

/** The core group is written without a name, as `/v1`. */
const groupVersionOf = ([group = '', version = '']: readonly string[]): { readonly group: string; readonly version: string } => ({
  group,
  version,
})

const prefer = (
  key: string,
  text: string,
  resources: readonly ResourceFacts[],
  versions: Map<string, boolean>,
  single: Map<string, boolean>,
): void => {
  const words = key.split('/')
  const { group, version } = groupVersionOf(words)
  if (!resources.some((each) => each.group === group && each.version === version))
    throw new Error(`group version ${group === '' ? version : `${group}/${version}`} that has not been registered`)
  const on = text === '' ? true : parseGoBool(text)
  if (on === undefined) throw new Error(`invalid value of ${key}: ${text}, err: ${notGoBool(text)}`)
  const plural = words[2]
  if (plural === undefined) {
    versions.set(`${group}/${version}`, on)
    return
  }
  if (plural !== plural.toLowerCase())
    throw new Error(`invalid key ${key}: group/version/resource and resource is always lowercase plural, not ${JSON.stringify(plural)}`)
  single.set(`${group}/${version}/${plural}`, on)
}
