import type { JsonObject } from '@skiff/machinery'
import { UsageError } from '../usage-error.ts'
import type { Invocation } from '../verb.ts'

/** The one name after a generator. */
export const nameArgument = ({ args }: Invocation): string => {
  const [name, ...more] = args
  if (name === undefined || more.length > 0) throw new UsageError(`exactly one NAME is required, got ${args.length}`, 1, true)
  return name
}

/** `a=1,b=2` as a map. */
export const pairs = (texts: readonly string[], what: string): Record<string, string> => {
  const result: Record<string, string> = {}
  for (const text of texts.flatMap((each) => each.split(',')).filter((each) => each !== '')) {
    const equals = text.indexOf('=')
    if (equals < 0) throw new UsageError(`unexpected ${what} spec: ${text}`)
    result[text.slice(0, equals)] = text.slice(equals + 1)
  }
  return result
}

/** The name that a container gets from its image. */
export const containerName = (image: string): string => {
  const last = image.split('/').at(-1) as string
  return (last.split(/[:@]/)[0] as string)
    .toLowerCase()
    .replace(/[^a-z0-9-]/g, '-')
    .replace(/^-+|-+$/g, '')
}

export const subject = (kind: 'User' | 'Group' | 'ServiceAccount', name: string): JsonObject => {
  if (kind !== 'ServiceAccount') return { apiGroup: 'rbac.authorization.k8s.io', kind, name }
  const [namespace = '', account] = name.split(':')
  if (!account) throw new UsageError('serviceaccount must be <namespace>:<name>')
  return { kind, name: account, namespace }
}
