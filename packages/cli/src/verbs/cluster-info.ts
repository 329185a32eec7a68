import { service as serviceResource } from '@skiff/api'
import type { JsonObject } from '@skiff/machinery'
import { type Dynamic, listAt, withAt } from '../objects/fields.ts'
import { onePrinter, orderedFields } from '../objects/writing.ts'
import type { Invocation, Verb, VerbGroup } from '../verb.ts'

const overview: Verb = {
  usage: '[flags]',
  flags: [],
  run: async ({ session }) => {
    const { client, server } = await session.connect()
    session.say(`Kubernetes control plane is running at ${server}`)
    const { items } = await client.list(
      serviceResource,
      { namespace: 'kube-system' },
      { query: { labelSelector: 'kubernetes.io/cluster-service=true' } },
    )
    for (const each of items) {
      const name = each.metadata.labels?.['kubernetes.io/name'] ?? each.metadata.name
      const port = listAt(each as unknown as JsonObject, 'spec.ports')[0]
      session.say(
        `${name} is running at ${server}/api/v1/namespaces/kube-system/services/${each.metadata.name}${port?.name ? `:${port.name}` : ''}/proxy`,
      )
    }
    session.say("\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.")
    return 0
  },
}

/** What a dump holds of each namespace, in kubectl's order. */
const dumped = ['events', 'replicationcontrollers', 'services', 'daemonsets.apps', 'deployments.apps', 'replicasets.apps', 'pods']

/** Prints all objects of a resource as one list. As in the server's answer, items leave their kind out. */
const printList = async ({ session, flags }: Invocation, word: string, namespace: string): Promise<Dynamic[]> => {
  const { client } = await session.connect()
  const resource = (await session.mapping()).resource(word)
  const list = await client.list(resource, resource.namespaced ? { namespace } : {})
  const items = list.items as readonly Dynamic[]
  const bare = items.map((item) => {
    const typed: JsonObject = { ...(item as JsonObject), apiVersion: resource.apiVersion, kind: resource.kind }
    const { kind: _kind, apiVersion: _version, ...rest } = orderedFields(resource, withAt(typed, 'metadata.managedFields', undefined))
    return rest
  })
  const head = { kind: `${resource.kind}List`, apiVersion: resource.apiVersion, metadata: list.metadata as unknown as JsonObject }
  const whole = { ...head, items: bare.length > 0 ? bare : null }
  const output = flags.text('output') || 'json'
  session.write(output === 'json' ? `${JSON.stringify(whole, null, '    ')}\n` : (onePrinter(session, output, false)?.(whole) ?? ''))
  return items.map((item) => ({ ...item }))
}

const printLogs = async ({ session }: Invocation, pod: Dynamic): Promise<void> => {
  const { client } = await session.connect()
  const { name, namespace = '' } = pod.metadata
  for (const { name: container } of listAt(pod, 'spec.containers')) {
    const about = `logs for container ${container} of pod ${namespace}/${name}`
    session.say(`==== START ${about} ====`)
    try {
      const reply = await client.handler({
        ...{ verb: 'get', group: '', version: 'v1', resource: 'pods', subresource: 'log', namespace, name },
        query: { container: String(container) },
        identity: client.identity,
        accept: '*/*',
      })
      if ('stream' in reply) for await (const chunk of reply.stream as AsyncIterable<Buffer>) session.deps.stdout.write(chunk)
    } catch (error) {
      session.say(`Request log error: ${(error as Error).message}`)
    }
    session.say(`==== END ${about} ====`)
  }
}

const dump: Verb = {
  usage: '[flags]',
  flags: ['all-namespaces|A:bool', 'namespaces:list', 'output|o:string=json', 'pod-running-timeout:duration=20s'],
  run: async (invocation) => {
    const { session, flags } = invocation
    const { client, namespace: here } = await session.connect()
    await printList(invocation, 'nodes', '')
    const all = flags.bool('all-namespaces')
      ? (await client.list({ group: '', version: 'v1', kind: 'Namespace', plural: 'namespaces', namespaced: false })).items.map(
          ({ metadata }) => metadata.name,
        )
      : undefined
    const namespaces = all ?? (flags.list('namespaces').length > 0 ? flags.list('namespaces') : ['kube-system', here])
    for (const namespace of namespaces) {
      let pods: Dynamic[] = []
      for (const word of dumped) pods = await printList(invocation, word, namespace)
      for (const pod of pods) await printLogs(invocation, pod)
    }
    return 0
  },
}

export const clusterInfo: VerbGroup = { alone: overview, parts: { dump } }
