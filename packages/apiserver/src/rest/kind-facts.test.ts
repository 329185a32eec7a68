import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

const said = async (path: string, body: object) => {
  const { status, body: answer } = await server.raw('POST', path, JSON.stringify(body))
  return `${status} ${answer.message?.replace(/^\S+ "[^"]*" is invalid: /, '') ?? ''}`.trim()
}

// Seen of Kubernetes 1.20, and the same in the sources of 1.33.
const storageClass = { metadata: { name: 'sc' }, provisioner: 'a.b/c', volumeBindingMode: 'Immediate' }
const slice = { metadata: { name: 'e' }, addressType: 'IPv4', endpoints: [] }
const toleration = { key: 'k', operator: 'Exists', effect: 'NoExecute' }
test.each<[string, string, object, string]>([
  [
    'a class has a name',
    '/apis/scheduling.k8s.io/v1/priorityclasses',
    { value: 1 },
    '422 metadata.name: Required value: name or generateName is required',
  ],
  [
    'a budget may have any name',
    '/apis/policy/v1/namespaces/default/poddisruptionbudgets',
    { metadata: { name: 'A_b' }, spec: { minAvailable: 1 } },
    '201',
  ],
  [
    'an event too',
    '/api/v1/namespaces/default/events',
    { metadata: { name: 'system:node.17' }, involvedObject: { kind: 'ClusterRole', namespace: 'default' } },
    '201',
  ],
  [
    'but no slash',
    '/apis/policy/v1/namespaces/default/poddisruptionbudgets',
    { metadata: { name: 'a/b' }, spec: { minAvailable: 1 } },
    '422 metadata.name: Invalid value: "a/b": may not contain \'/\'',
  ],
  [
    'a mode that is empty',
    '/apis/storage.k8s.io/v1/storageclasses',
    { ...storageClass, volumeBindingMode: '' },
    '422 volumeBindingMode: Unsupported value: "": supported values: "Immediate", "WaitForFirstConsumer"',
  ],
  [
    'a term that is empty',
    '/apis/storage.k8s.io/v1/storageclasses',
    { ...storageClass, allowedTopologies: [{}] },
    '422 allowedTopologies[0].matchLabelExpressions: Duplicate value: ""',
  ],
  [
    'a volume without a name',
    '/apis/storage.k8s.io/v1/volumeattachments',
    { metadata: { name: 'v' }, spec: { attacher: 'a.b', nodeName: 'n', source: { persistentVolumeName: '' } } },
    "422 [spec.source.persistentVolumeName: Required value: must specify non empty persistentVolumeName, spec.source.persistentVolumeName: Invalid value: \"\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')]",
  ],
  [
    'a protocol that is empty',
    '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices',
    { ...slice, ports: [{ name: 'a', port: 1, protocol: '' }] },
    '422 ports[0].protocol: Unsupported value: "": supported values: "SCTP", "TCP", "UDP"',
  ],
  [
    'a toleration twice',
    '/apis/node.k8s.io/v1/runtimeclasses',
    { metadata: { name: 'r' }, handler: 'h', scheduling: { tolerations: [toleration, toleration] } },
    '422 scheduling.tolerations[1]: Duplicate value: core.Toleration{Key:"k", Operator:"Exists", Value:"", Effect:"NoExecute", TolerationSeconds:(*int64)(nil)}',
  ],
  [
    "the kubelet's port",
    '/api/v1/namespaces/default/services',
    { metadata: { name: 's' }, spec: { type: 'LoadBalancer', ports: [{ port: 10250 }] } },
    '422 spec.ports[0]: Invalid value: 10250: may not expose port 10250 externally since it is used by kubelet',
  ],
])('%s', async (_what, path, body, answer) => expect(await said(path, body)).toBe(answer))
