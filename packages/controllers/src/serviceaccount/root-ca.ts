import type { ConfigMap, Namespace } from '@skiff/api'
import { configMap as configMaps, namespace as namespaces } from '@skiff/api'
import type { Views } from '@skiff/client'
import { isRefusal } from '@skiff/machinery'
import { type Controller, objectController, watching } from '../runner/controller.ts'
import { create, type Steps, update } from '../runner/step.ts'
import { same } from '../same.ts'

const mapName = 'kube-root-ca.crt'
const annotation = 'kubernetes.io/description'
const description =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.'

/** Every namespace has the bundle by which its pods trust the API server. `bundle` is PEM. */
export const planRootCa = (namespace: Namespace, views: Views, bundle: string): Steps => {
  const { name } = namespace.metadata
  if (namespace.metadata.deletionTimestamp !== undefined || namespace.status?.phase === 'Terminating') return []
  const data = { 'ca.crt': bundle }
  const held = views.view(configMaps).get(`${name}/${mapName}`)
  if (!held)
    return [
      create(
        configMaps,
        { metadata: { namespace: name, name: mapName, annotations: { [annotation]: description } }, data },
        { failed: (error) => (isRefusal(error, 409) ? [] : undefined) },
      ),
    ]
  if (same(held.data, data) && held.metadata.annotations?.[annotation]) return []
  const annotations = { ...held.metadata.annotations, [annotation]: description }
  return [update(configMaps, { ...held, metadata: { ...held.metadata, annotations }, data })]
}

export const rootCaController = (bundle: () => string): Controller =>
  objectController({
    name: 'root-ca-certificate-publisher-controller',
    account: 'root-ca-cert-publisher',
    resource: namespaces,
    watches: [
      watching<ConfigMap>({
        resource: configMaps,
        keys: ({ before, after }) => {
          const { name, namespace = '' } = (after ?? before)?.metadata ?? {}
          return name === mapName ? [namespace] : []
        },
      }),
    ],
    plan: (namespace, views) => planRootCa(namespace, views, bundle()),
  })
