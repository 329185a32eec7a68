import { pod as podResource } from '@skiff/api'
import { formatLabelSelector, isJsonArray } from '@skiff/machinery'
import { type Dynamic, listAt, mapAt, textAt } from '../objects/fields.ts'
import { readResourceWords } from '../objects/select.ts'
import type { Session } from '../session.ts'
import { UsageError } from '../usage-error.ts'

/** The label selector, as text, of what selects pods: a service's map, or the others' selector. */
export const podSelectorOf = (object: Dynamic): string => {
  const selector = mapAt(object, 'spec.selector')
  if (object.kind !== 'Service' && object.kind !== 'ReplicationController') {
    if (Object.keys(selector).length === 0) throw new UsageError(`invalid label selector: cannot attach to ${object.kind}`)
    return formatLabelSelector(selector as never)
  }
  if (Object.keys(selector).length === 0)
    throw new UsageError(`cannot attach to *v1.Service: invalid service '${object.metadata.name}': Service is defined without a selector`)
  return Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
}

const rank = (pod: Dynamic): number => {
  const ready = listAt(pod, 'status.conditions').some((each) => each.type === 'Ready' && each.status === 'True')
  return (textAt(pod, 'status.phase') === 'Running' ? 0 : 2) + (ready ? 0 : 1)
}

/** The pods behind `pod`, `pod/a`, `deploy/web`, `svc/web`, those that run first. */
export const podsOf = async (session: Session, word: string): Promise<Dynamic[]> => {
  const { client, namespace } = await session.connect()
  if (!word.includes('/')) return [(await client.get(podResource, { namespace, name: word })) as unknown as Dynamic]
  const [named] = await readResourceWords(session, [word])
  const name = named?.names[0] as string
  const resource = named?.resource
  if (!resource || resource.kind === 'Pod') return [(await client.get(podResource, { namespace, name })) as unknown as Dynamic]
  const object = (await client.get(resource, { namespace, name })) as Dynamic
  const selector = podSelectorOf(object)
  const { items } = await client.list(podResource, { namespace }, { query: { labelSelector: selector } })
  if (!isJsonArray(items) || items.length === 0) throw new UsageError(`no pods found for ${word}`)
  return ([...items] as unknown as Dynamic[]).sort((a, b) => rank(a) - rank(b))
}

/** One pod of a word; of several the first that runs. */
export const podOf = async (session: Session, word: string): Promise<Dynamic> => (await podsOf(session, word))[0] as Dynamic

/** The names of all containers of a pod: its own, init containers, ephemeral ones. */
export const containersOf = (pod: Dynamic): string[] =>
  ['spec.containers', 'spec.initContainers', 'spec.ephemeralContainers'].flatMap((path) =>
    listAt(pod, path).map(({ name }) => String(name)),
  )

/** The container to use: the one asked for, the annotated default, else the first. */
export const containerOf = (session: Session, pod: Dynamic, asked: string | undefined, quiet = false): string => {
  const containers = listAt(pod, 'spec.containers').map(({ name }) => String(name))
  const all = containersOf(pod)
  if (asked) {
    if (!all.includes(asked)) throw new UsageError(`container ${asked} is not valid for pod ${pod.metadata.name}`)
    return asked
  }
  const marked = textAt(pod, ['metadata', 'annotations', 'kubectl.kubernetes.io/default-container'])
  if (marked && all.includes(marked)) return marked
  if (all.length > 1 && !quiet) {
    const kinds = [...containers, ...all.slice(containers.length).map((name) => `${name} (init)`)].join(', ')
    session.complain(`Defaulted container "${containers[0]}" out of: ${kinds}`)
  }
  return containers[0] as string
}
