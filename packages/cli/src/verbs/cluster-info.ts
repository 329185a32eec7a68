import { service as serviceResource } from '@skiff/api'
import { listAt } from '../objects/fields.ts'
import type { Verb } from '../verb.ts'

export const clusterInfo: Verb = {
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
      const port = listAt(each as never, 'spec.ports')[0]
      session.say(
        `${name} is running at ${server}/api/v1/namespaces/kube-system/services/${each.metadata.name}${port?.name ? `:${port.name}` : ''}/proxy`,
      )
    }
    session.say("\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.")
    return 0
  },
}
