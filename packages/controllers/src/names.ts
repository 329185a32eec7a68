/** Names of before 1.28, which `--controllers` still takes. */
const aliases: Readonly<Record<string, string>> = {
  'serviceaccount-token': 'serviceaccount-token-controller',
  endpoint: 'endpoints-controller',
  endpointslice: 'endpointslice-controller',
  endpointslicemirroring: 'endpointslice-mirroring-controller',
  replicationcontroller: 'replicationcontroller-controller',
  podgc: 'pod-garbage-collector-controller',
  resourcequota: 'resourcequota-controller',
  namespace: 'namespace-controller',
  serviceaccount: 'serviceaccount-controller',
  garbagecollector: 'garbage-collector-controller',
  daemonset: 'daemonset-controller',
  job: 'job-controller',
  deployment: 'deployment-controller',
  replicaset: 'replicaset-controller',
  horizontalpodautoscaling: 'horizontal-pod-autoscaler-controller',
  disruption: 'disruption-controller',
  statefulset: 'statefulset-controller',
  cronjob: 'cronjob-controller',
  csrsigning: 'certificatesigningrequest-signing-controller',
  csrapproving: 'certificatesigningrequest-approving-controller',
  csrcleaner: 'certificatesigningrequest-cleaner-controller',
  ttl: 'ttl-controller',
  bootstrapsigner: 'bootstrap-signer-controller',
  tokencleaner: 'token-cleaner-controller',
  nodeipam: 'node-ipam-controller',
  nodelifecycle: 'node-lifecycle-controller',
  attachdetach: 'persistentvolume-attach-detach-controller',
  'persistentvolume-expander': 'persistentvolume-expander-controller',
  'ephemeral-volume': 'ephemeral-volume-controller',
  'persistentvolume-binder': 'persistentvolume-binder-controller',
  'clusterrole-aggregation': 'clusterrole-aggregation-controller',
  'pvc-protection': 'persistentvolumeclaim-protection-controller',
  'pv-protection': 'persistentvolume-protection-controller',
  'ttl-after-finished': 'ttl-after-finished-controller',
  'validatingadmissionpolicy-status': 'validatingadmissionpolicy-status-controller',
  'root-ca-cert-publisher': 'root-ca-certificate-publisher-controller',
  'legacy-service-account-token-cleaner': 'legacy-serviceaccount-token-cleaner-controller',
  service: 'service-lb-controller',
  route: 'node-route-controller',
  'cloud-node-lifecycle': 'cloud-node-lifecycle-controller',
  'storage-version-gc': 'storageversion-garbage-collector-controller',
  'resource-claim-controller': 'resourceclaim-controller',
}

/** Who else may be named: the scheduler, which is started beside the controllers, and those of upstream's that are not there. */
export const elsewhere: readonly string[] = [
  'scheduler',
  'service-lb-controller',
  'node-route-controller',
  'cloud-node-lifecycle-controller',
  'storageversion-garbage-collector-controller',
  'storage-version-migrator-controller',
  'resourceclaim-controller',
  'device-taint-eviction-controller',
  'selinux-warning-controller',
  'kube-apiserver-serving-clustertrustbundle-publisher-controller',
  'volumeattributesclass-protection-controller',
]

export const currentName = (name: string): string => (Object.hasOwn(aliases, name) ? (aliases[name] as string) : name)

/** What `*` does not mean. */
const offByDefault: ReadonlySet<string> = new Set(['bootstrap-signer-controller', 'token-cleaner-controller'])

/** Upstream's rule for `--controllers`: the first entry that names it decides, `*` is all others but those that are off by default. */
export const isEnabled = (name: string, enabled: readonly string[]): boolean => {
  for (const entry of enabled) {
    const off = entry.startsWith('-')
    const named = off ? entry.slice(1) : entry
    if (currentName(named) === name) return !off
  }
  return enabled.includes('*') && !offByDefault.has(name)
}
