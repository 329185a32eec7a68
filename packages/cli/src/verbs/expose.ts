import type { JsonObject } from '@skiff/machinery'
import { pairs } from '../generators/words.ts'
import { type Dynamic, listAt, mapAt } from '../objects/fields.ts'
import { overridden } from '../objects/overrides.ts'
import { fileFlags, selectObjects } from '../objects/select.ts'
import { dryRunOf, report, writeFlags, writeQuery } from '../objects/writing.ts'
import { UsageError } from '../usage-error.ts'
import type { Invocation, Verb } from '../verb.ts'
import { placeGenerated } from './create.ts'

const selectorFor = (object: Dynamic, asked: string | undefined): JsonObject => {
  if (asked) return pairs([asked], 'selector')
  if (object.kind === 'Pod') {
    const labels = mapAt(object, 'metadata.labels')
    if (Object.keys(labels).length === 0)
      throw new UsageError("couldn't retrieve selectors via --selector flag or introspection: the pod has no labels and cannot be exposed")
    return labels
  }
  if (object.kind === 'Service' || object.kind === 'ReplicationController') {
    const selector = mapAt(object, 'spec.selector')
    if (Object.keys(selector).length === 0)
      throw new UsageError("couldn't retrieve selectors via --selector flag or introspection: the service has no pod selector set")
    return selector
  }
  if (!['Deployment', 'ReplicaSet'].includes(object.kind)) throw new UsageError(`cannot expose a ${object.kind}`)
  return mapAt(object, 'spec.selector.matchLabels')
}

const portsOf = (object: Dynamic, { flags }: Invocation): JsonObject[] => {
  const target = flags.text('target-port')
  const asTarget = (text: string) => (/^\d+$/.test(text) ? Number(text) : text)
  const protocol = flags.text('protocol') ?? 'TCP'
  const own =
    object.kind === 'Service' ? listAt(object, 'spec.ports').map(({ port, protocol }) => ({ port, protocol })) : containerPorts(object)
  const ports = flags.text('port')
    ? (flags.text('port') as string).split(',').map((port) => ({ port: Number(port), protocol }))
    : own.map((each) => ({ port: Number(each.port), protocol: String(each.protocol ?? 'TCP') }))
  if (ports.length === 0) throw new UsageError("couldn't find port via --port flag or introspection")
  return ports.map(({ port, protocol }, i) => ({
    ...(ports.length > 1 ? { name: `port-${i + 1}` } : {}),
    port,
    protocol,
    targetPort: target ? asTarget(target) : port,
  }))
}

const containerPorts = (object: Dynamic): JsonObject[] =>
  listAt(object, object.kind === 'Pod' ? 'spec.containers' : 'spec.template.spec.containers').flatMap((container) =>
    listAt(container, 'ports').map((each) => ({ port: each.containerPort ?? 0, protocol: each.protocol ?? 'TCP' })),
  )

export const expose: Verb = {
  usage:
    '(-f FILENAME | TYPE NAME) [--port=port] [--protocol=TCP|UDP|SCTP] [--target-port=number-or-name] [--name=name] [--external-ip=external-ip-of-service] [--type=type]',
  flags: [
    ...fileFlags,
    ...writeFlags,
    ...[
      'port:string',
      'protocol:string',
      'target-port:string',
      'name:string',
      'type:string',
      'selector:string',
      'labels|l:string',
      'external-ip:string',
    ],
    ...['load-balancer-ip:string', 'cluster-ip:string', 'session-affinity:string', 'overrides:string', 'override-type:string=merge'],
  ],
  run: async (invocation) => {
    const { session, flags, args } = invocation
    const { client } = await session.connect()
    // --selector is the service's here.
    const chosen = { ...flags, text: (name: string) => (name === 'selector' ? undefined : flags.text(name)) }
    for (const info of await selectObjects(session, { flags: chosen, words: args })) {
      const object = info.object as Dynamic
      const labels = flags.text('labels') ? pairs([flags.text('labels') as string], 'label') : mapAt(object, 'metadata.labels')
      const optional = { type: 'type', clusterIP: 'cluster-ip', loadBalancerIP: 'load-balancer-ip', sessionAffinity: 'session-affinity' }
      const said = Object.entries(optional).flatMap(([field, flag]) => (flags.text(flag) ? [[field, flags.text(flag) as string]] : []))
      const service = {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { ...(Object.keys(labels).length > 0 ? { labels } : {}), name: flags.text('name') || info.name },
        spec: {
          ports: portsOf(object, invocation),
          selector: selectorFor(object, flags.text('selector')),
          ...Object.fromEntries(said),
          ...(flags.text('external-ip') ? { externalIPs: [flags.text('external-ip') as string] } : {}),
        },
        status: { loadBalancer: {} },
      } as JsonObject
      const made = await placeGenerated(invocation, overridden(invocation, service, 'services'))
      const sent =
        dryRunOf(flags) === 'client'
          ? made.object
          : await client.create(
              made.resource,
              made.object as Dynamic,
              { namespace: info.namespace },
              { query: writeQuery(flags, 'kubectl-expose') },
            )
      report(session, flags, made, sent as Dynamic, 'exposed')
    }
    return 0
  },
}
