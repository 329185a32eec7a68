import type { JsonObject } from '@skiff/machinery'
import { UsageError } from '../usage-error.ts'
import type { Invocation } from '../verb.ts'
import type { Generator } from './generator.ts'
import { nameArgument } from './words.ts'

const portOf = (text: string, nodePort: number): JsonObject => {
  const [port = '', target = port] = text.split(':')
  if (!/^\d+$/.test(port)) throw new UsageError(`failed to create service: strconv.Atoi: parsing ${JSON.stringify(port)}: invalid syntax`)
  return {
    name: text.replaceAll(':', '-'),
    ...(nodePort > 0 ? { nodePort } : {}),
    port: Number(port),
    protocol: 'TCP',
    targetPort: /^\d+$/.test(target) ? Number(target) : target,
  }
}

const service =
  (type: 'ClusterIP' | 'NodePort' | 'LoadBalancer') =>
  (invocation: Invocation): JsonObject => {
    const { flags } = invocation
    const name = nameArgument(invocation)
    const clusterIP = flags.text('clusterip')
    const tcp = flags.list('tcp')
    if (tcp.length === 0 && clusterIP !== 'None') throw new UsageError('at least one tcp port specifier must be provided')
    const labels = { app: name }
    return {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { labels, name },
      spec: {
        ...(clusterIP ? { clusterIP } : {}),
        ...(tcp.length > 0 ? { ports: tcp.map((text) => portOf(text, flags.int('node-port') ?? 0)) } : {}),
        selector: labels,
        type,
      },
      status: { loadBalancer: {} },
    }
  }

export const clusterIp: Generator = {
  usage: 'NAME [--tcp=<port>:<targetPort>]',
  flags: ['tcp:list', 'clusterip:string'],
  object: service('ClusterIP'),
}
export const nodePort: Generator = {
  usage: 'NAME [--tcp=port:targetPort]',
  flags: ['tcp:list', 'node-port:int'],
  object: service('NodePort'),
}
export const loadBalancer: Generator = { usage: 'NAME [--tcp=port:targetPort]', flags: ['tcp:list'], object: service('LoadBalancer') }
export const externalName: Generator = {
  usage: 'NAME --external-name external.name',
  flags: ['external-name:string', 'tcp:list'],
  object: (invocation) => {
    const name = nameArgument(invocation)
    const externalName = invocation.flags.text('external-name')
    if (!externalName) throw new UsageError('required flag(s) "external-name" not set')
    const labels = { app: name }
    return {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { labels, name },
      spec: { externalName, selector: labels, type: 'ExternalName' },
      status: { loadBalancer: {} },
    }
  },
}
