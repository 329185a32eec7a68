import type { Resource } from '@skiff/api'
import { splitApiVersion } from '@skiff/machinery'
import { FileError } from '../file/fields.ts'

type Served = Resource & { readonly shortNames?: readonly string[]; readonly singular?: string }

/** By kind, plural or singular, in any case: `Deployment`, `deployments`, `deployment`. */
export const resourceNamed = (resources: readonly Served[], word: string): Resource => {
  const name = word.toLowerCase()
  const is = ({ kind, plural, shortNames }: Served) =>
    kind.toLowerCase() === name || plural === name || (shortNames?.includes(name) ?? false)
  const found = resources.find(is)
  if (!found) throw new FileError(`there is no kind ${JSON.stringify(word)}`)
  return found
}

export const resourceOf = (
  resources: readonly Served[],
  { apiVersion = '', kind = '' }: { apiVersion?: string; kind?: string },
): Resource => {
  const { group, version } = splitApiVersion(apiVersion)
  const found = resources.find((each) => each.group === group && each.version === version && each.kind === kind)
  if (!found) throw new FileError(`there is no kind ${JSON.stringify(kind)} in ${JSON.stringify(apiVersion)}`)
  return found
}
