import * as api from '@skiff/api'
import { type Client, connect, createMemoryServer, type Handler, type MemoryServer } from '@skiff/client'
import { applyStrategicMergePatch, type Env, isJsonObject, type JsonObject, type KubeObject, rfc3339 } from '@skiff/machinery'

/** A small API server that has what a node needs of a real one: patches by the API's own rules, tokens, selection by field. */
export interface ApiForNodes {
  readonly server: MemoryServer
  readonly handler: Handler
  readonly client: Client
  /** Creates a pod bound to a node, with the defaults that the real server sets. */
  bind(
    nodeName: string,
    pod: Omit<Partial<api.Pod>, 'metadata'> & { metadata: Partial<api.Pod['metadata']>; spec: api.PodSpec },
  ): Promise<api.Pod>
  pod(name: string, namespace?: string): api.Pod | undefined
  /** `Reason message` of the events about an object, in order. */
  events(name: string): string[]
}

const resources = [
  api.pod,
  api.node,
  api.lease,
  api.event,
  api.service,
  api.configMap,
  api.secret,
  api.serviceAccount,
  api.persistentVolume,
  api.persistentVolumeClaim,
  api.runtimeClass,
]

/** Directives where there was no status to merge with stay, and are dropped as fields that the type does not know. */
const withoutDirectives = (object: JsonObject): JsonObject => {
  const { status } = object
  if (!isJsonObject(status)) return object
  return { ...object, status: Object.fromEntries(Object.entries(status).filter(([name]) => !name.startsWith('$'))) }
}

export const createApiForNodes = (env: Env): ApiForNodes => {
  const server = createMemoryServer(env, resources)
  let tokens = 0
  const handler: Handler = async (call) => {
    const body = call.body && 'object' in call.body ? call.body : undefined
    if (call.verb === 'patch' && body?.contentType?.includes('strategic')) {
      const kind = resources.find(({ group, plural }) => group === call.group && plural === call.resource)
      const { body: _, ...rest } = call
      const held = (await server.handler({ ...rest, verb: 'get' })) as { object: JsonObject }
      const schema = api.patchSchemaOf({ typeName: schemaNames[kind?.kind ?? ''] ?? '' } as api.Kind)
      const { metadata, ...patch } = body.object as JsonObject
      const next = withoutDirectives(applyStrategicMergePatch(held.object, patch, schema))
      return server.handler({ ...rest, verb: 'update', body: { object: next } })
    }
    if (call.resource === 'serviceaccounts' && call.subresource === 'token') {
      const { spec } = (body?.object ?? {}) as api.TokenRequest
      tokens += 1
      const expirationTimestamp = rfc3339(env.now() + (spec.expirationSeconds ?? 3600) * 1000)
      return { status: 201, object: { ...(body?.object as object), status: { token: `token-${tokens}`, expirationTimestamp } } }
    }
    const [field = '', value = ''] = String(call.query.fieldSelector ?? '').split('=')
    if (field !== 'metadata.name') return server.handler(call)
    const reply = await server.handler(call)
    if ('object' in reply && call.verb === 'list') {
      const list = reply.object as { items: readonly KubeObject[] }
      return { ...reply, object: { ...list, items: list.items.filter(({ metadata }) => metadata.name === value) } }
    }
    return reply
  }
  const client = connect(handler, { name: 'system:node:n1', groups: [] })
  return {
    server,
    handler,
    client,
    bind: (nodeName, pod) =>
      client.create(api.pod, {
        ...pod,
        metadata: { namespace: 'default', generation: 1, ...pod.metadata },
        spec: { restartPolicy: 'Always', terminationGracePeriodSeconds: 30, serviceAccountName: 'default', ...pod.spec, nodeName },
      }),
    pod: (name, namespace = 'default') =>
      server.all(api.pod).find(({ metadata }) => metadata.name === name && metadata.namespace === namespace),
    events: (name) =>
      server
        .all(api.event)
        .filter(({ involvedObject }) => involvedObject.name === name)
        .sort((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
        .map(({ reason, message }) => `${reason} ${message}`),
  }
}

const schemaNames: Record<string, string> = { Pod: 'io.k8s.api.core.v1.Pod', Node: 'io.k8s.api.core.v1.Node' }
