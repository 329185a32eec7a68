import { type Client, connect, type Handler } from '@skiff/client'

/** A client whose lists and watches see only part of a resource: a namespace, a field selector. */
export const narrowed = (client: Client, to: { readonly namespace?: string; readonly fieldSelector: string }): Client => {
  const handler: Handler = (call) =>
    call.verb === 'list' || call.verb === 'watch'
      ? client.handler({
          ...call,
          ...(to.namespace !== undefined ? { namespace: to.namespace } : {}),
          query: { ...call.query, fieldSelector: to.fieldSelector },
        })
      : client.handler(call)
  return connect(handler, client.identity)
}
