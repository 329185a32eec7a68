/**
 * The server under test, in a process of its own: control plane without controllers, over the durable store. Prints one line of JSON when
 * it serves. Each further line on its standard input begins a profile, or ends it and prints it as a line.
 */
import { createInterface } from 'node:readline'
import { clusterRole, clusterRoleBinding, namespace, serviceAccount } from '@skiff/api'
import { loopbackIdentity } from '@skiff/apiserver'
import { systemEnv } from '@skiff/machinery'
import { openDurableStore } from '@skiff/store'
import { startPlainServer } from './plain-server.ts'
import { startProfile, stopProfile } from './profile.ts'

const dir = process.argv[2] as string
const env = systemEnv()
const store = await openDurableStore({ dir: `${dir}/store`, env })
const server = await startPlainServer(dir, { store, env })
const readyMs = Math.round(performance.now())
const client = server.client(loopbackIdentity)
await client.create(namespace, { metadata: { name: 'bench' } } as never)
const account = await client.create(serviceAccount, { metadata: { name: 'default', namespace: 'bench' } } as never)
// The role `edit` is aggregated by a controller, and none runs here.
await client.create(clusterRole, {
  metadata: { name: 'bench' },
  rules: [
    {
      apiGroups: [''],
      resources: ['pods', 'services', 'configmaps'],
      verbs: ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'],
    },
  ],
} as never)
await client.create(clusterRoleBinding, {
  metadata: { name: 'bench' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'bench' },
  subjects: [{ kind: 'ServiceAccount', namespace: 'bench', name: 'default' }],
} as never)
const nowSeconds = Math.floor(env.now() / 1000)
const token = server.signer.sign({
  aud: [server.signer.issuer],
  iat: nowSeconds,
  nbf: nowSeconds,
  exp: nowSeconds + 3600,
  sub: 'system:serviceaccount:bench:default',
  'kubernetes.io': { namespace: 'bench', serviceaccount: { name: 'default', uid: account.metadata.uid } },
})
console.log(JSON.stringify({ port: server.port, token, readyMs }))
let profiles = false
createInterface({ input: process.stdin }).on('line', async () => {
  profiles = !profiles
  if (profiles) await startProfile()
  console.log(JSON.stringify(profiles ? 'profiles' : await stopProfile()))
})
process.on(
  'SIGTERM',
  () =>
    void server
      .close()
      .then(() => store.close())
      .then(() => process.exit()),
)
