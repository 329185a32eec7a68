import { node as nodeResource } from '@skiff/api'
import { addQuantities, compareQuantities, type JsonObject, parseQuantity, type Quantity, scaledValue } from '@skiff/machinery'
import { listAt, mapAt, textAt } from '../objects/fields.ts'
import { alignRows } from '../print/tab-writer.ts'
import { UsageError } from '../usage-error.ts'
import type { Invocation, Verb, VerbGroup } from '../verb.ts'

const metricsVersions = ['metrics.k8s.io/v1beta1', 'metrics.k8s.io/v1']

/** What metrics.k8s.io tells of one resource; refused where it is not served. */
const metricsOf = async ({ session, flags }: Invocation, path: string): Promise<JsonObject> => {
  const { http } = await session.connect()
  const { versions } = await session.discover()
  const served = metricsVersions.find((version) => versions.includes(version))
  if (!served) throw new UsageError('Metrics API not available')
  const query = new URLSearchParams()
  if (flags.text('selector')) query.set('labelSelector', flags.text('selector') as string)
  if (flags.text('field-selector')) query.set('fieldSelector', flags.text('field-selector') as string)
  const asked = query.size > 0 ? `?${query}` : ''
  return ((await http.raw('GET', `/apis/${served}/${path}${asked}`)).object ?? {}) as JsonObject
}

type Usage = Readonly<Record<'cpu' | 'memory', Quantity>>
const zero = parseQuantity('0')
const quantityAt = (object: JsonObject, key: string): Quantity => parseQuantity(textAt(object, [key]) || '0')
const usageOf = (object: JsonObject): Usage => ({ cpu: quantityAt(object, 'cpu'), memory: quantityAt(object, 'memory') })

const cpuText = (usage: Usage): string => `${scaledValue(usage.cpu, -3)}m`
const memoryText = (usage: Usage): string => `${scaledValue(usage.memory, 0) / (1024n * 1024n)}Mi`
const percent = (used: Quantity, whole: Quantity | undefined): string => {
  const [part, all] = [scaledValue(used, -3), whole ? scaledValue(whole, -3) : 0n]
  return all === 0n ? '<unknown>' : `${(part * 100n) / all}%`
}

interface Measured {
  readonly name: string
  readonly namespace: string
  readonly usage: Usage
}

/** The order of --sort-by: most first; else by namespace and name. */
const sorted = <T extends Measured>(items: readonly T[], by: string): T[] => {
  const names = (a: T, b: T) => (a.namespace === b.namespace ? (a.name < b.name ? -1 : 1) : a.namespace < b.namespace ? -1 : 1)
  return items.toSorted((a, b) =>
    by === 'cpu' || by === 'memory' ? compareQuantities(b.usage[by], a.usage[by]) || names(a, b) : names(a, b),
  )
}

const checkOrder = (by: string): void => {
  if (by !== '' && by !== 'cpu' && by !== 'memory') throw new UsageError('--sort-by accepts only cpu or memory')
}

/** Every cell of top ends with a tab, the last one too. */
const printRows = ({ session, flags }: Invocation, header: readonly string[], rows: readonly (readonly string[])[]): void => {
  const all = flags.bool('no-headers') ? rows : [header, ...rows]
  session.write(alignRows(all.map((row) => [...row, ''])))
}

const topNodes: Verb = {
  usage: '[NAME | -l label]',
  flags: ['selector|l:string', 'sort-by:string', 'no-headers:bool', 'show-capacity:bool', 'use-protocol-buffers:bool=true'],
  run: async (invocation) => {
    const { session, flags, args } = invocation
    const [name, ...more] = args
    if (more.length > 0 || (name !== undefined && flags.text('selector')))
      throw new UsageError('only one of NAME or --selector can be provided', 1, true)
    checkOrder(flags.text('sort-by') ?? '')
    const answer = await metricsOf(invocation, name ? `nodes/${name}` : 'nodes')
    const found = name ? [answer] : listAt(answer, 'items')
    if (found.length === 0) throw new UsageError('metrics not available yet')
    const { client } = await session.connect()
    const nodes = (await client.list(nodeResource, {}, {})).items as unknown as readonly JsonObject[]
    const room = new Map(
      nodes.map((node) => [
        textAt(node, 'metadata.name'),
        mapAt(node, flags.bool('show-capacity') ? 'status.capacity' : 'status.allocatable'),
      ]),
    )
    const measured = found.map((each) => ({ name: textAt(each, 'metadata.name'), namespace: '', usage: usageOf(mapAt(each, 'usage')) }))
    const rows = sorted(measured, flags.text('sort-by') ?? '').map(({ name: node, usage }) => {
      const available = usageOf(room.get(node) ?? {})
      return [node, cpuText(usage), percent(usage.cpu, available.cpu), memoryText(usage), percent(usage.memory, available.memory)]
    })
    // Nodes without metrics are shown too, when all are.
    const silent = name ? [] : [...room.keys()].filter((node) => !measured.some((each) => each.name === node) && !flags.text('selector'))
    const unknown = silent.map((node) => [node, '<unknown>', '<unknown>', '<unknown>', '<unknown>'])
    printRows(invocation, ['NAME', 'CPU(cores)', 'CPU(%)', 'MEMORY(bytes)', 'MEMORY(%)'], [...rows, ...unknown])
    return 0
  },
}

const sum = (usages: readonly Usage[]): Usage =>
  usages.reduce((a, b) => ({ cpu: addQuantities(a.cpu, b.cpu), memory: addQuantities(a.memory, b.memory) }), { cpu: zero, memory: zero })

interface MeasuredPod extends Measured {
  readonly containers: readonly Measured[]
}

const measuredPod = (object: JsonObject): MeasuredPod => {
  const namespace = textAt(object, 'metadata.namespace')
  const containers = listAt(object, 'containers').map((each) => ({
    name: textAt(each, 'name'),
    namespace,
    usage: usageOf(mapAt(each, 'usage')),
  }))
  return { name: textAt(object, 'metadata.name'), namespace, containers, usage: sum(containers.map(({ usage }) => usage)) }
}

const topPods: Verb = {
  usage: '[NAME | -l label]',
  flags: [
    ...[
      'selector|l:string',
      'field-selector:string',
      'sort-by:string',
      'no-headers:bool',
      'all-namespaces|A:bool',
      'containers:bool',
      'sum:bool',
    ],
    'use-protocol-buffers:bool=true',
  ],
  run: async (invocation) => {
    const { session, flags, args } = invocation
    const [name, ...more] = args
    if (more.length > 0) throw new UsageError('pod [NAME | -l label]', 1, true)
    if (name !== undefined && flags.text('selector')) throw new UsageError('only one of NAME or selector can be provided')
    checkOrder(flags.text('sort-by') ?? '')
    const { namespace } = await session.connect()
    const everywhere = flags.bool('all-namespaces')
    const answer = await metricsOf(invocation, `${everywhere ? '' : `namespaces/${namespace}/`}pods${name ? `/${name}` : ''}`)
    const pods = (name ? [answer] : listAt(answer, 'items')).map(measuredPod)
    if (pods.length === 0) {
      session.complain(everywhere ? 'No resources found' : `No resources found in ${namespace} namespace.`)
      return 0
    }
    const byContainer = flags.bool('containers')
    const first = [...(everywhere ? ['NAMESPACE'] : []), ...(byContainer ? ['POD'] : []), 'NAME']
    const rows = sorted(pods, flags.text('sort-by') ?? '').flatMap((pod) =>
      (byContainer ? sorted(pod.containers, flags.text('sort-by') ?? '') : [pod]).map((each) => [
        ...(everywhere ? [pod.namespace] : []),
        ...(byContainer ? [pod.name] : []),
        ...[each.name, cpuText(each.usage), memoryText(each.usage)],
      ]),
    )
    const total = sum(pods.map(({ usage }) => usage))
    const blank = first.map(() => '')
    const last = flags.bool('sum')
      ? [
          [...blank, '________', '________'],
          [...blank, cpuText(total), memoryText(total)],
        ]
      : []
    printRows(invocation, [...first, 'CPU(cores)', 'MEMORY(bytes)'], [...rows, ...last])
    return 0
  },
}

export const top: VerbGroup = { parts: { node: topNodes, pod: topPods }, aliases: { nodes: 'node', no: 'node', pods: 'pod', po: 'pod' } }
