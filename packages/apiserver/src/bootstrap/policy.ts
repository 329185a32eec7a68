// The bootstrap RBAC policy as facts: role names, rules and bindings that every Kubernetes cluster has.
// A rule is `verbs | API groups | resources | resource names`, or `verbs | paths` for what is no resource; `core` is the group ''.

export interface RoleRow {
  /** The roles that this one is aggregated into. */
  readonly aggregateTo?: readonly string[]
  /** Its rules are the sum of those that aggregate to this name. */
  readonly aggregates?: readonly string[]
  readonly rules?: readonly string[]
}

export const clusterRoleRows: Readonly<Record<string, RoleRow>> = {
  admin: {
    aggregates: ['admin'],
  },
  'cluster-admin': {
    rules: ['* | * | *', '* | *'],
  },
  edit: {
    aggregateTo: ['admin'],
    aggregates: ['edit'],
  },
  'system:aggregate-to-admin': {
    aggregateTo: ['admin'],
    rules: [
      'create | authorization.k8s.io | localsubjectaccessreviews',
      'create delete deletecollection get list patch update watch | rbac.authorization.k8s.io | rolebindings roles',
    ],
  },
  'system:aggregate-to-edit': {
    aggregateTo: ['edit'],
    rules: [
      'get list watch | core | pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy',
      'impersonate | core | serviceaccounts',
      'create delete deletecollection patch update | core | pods pods/attach pods/exec pods/portforward pods/proxy',
      'create delete deletecollection patch update | core | configmaps endpoints persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy',
      'create delete deletecollection patch update | apps | daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale',
      'create delete deletecollection patch update | autoscaling | horizontalpodautoscalers',
      'create delete deletecollection patch update | batch | cronjobs jobs',
      'create delete deletecollection patch update | policy | poddisruptionbudgets',
      'create delete deletecollection patch update | networking.k8s.io | ingresses networkpolicies',
      'create delete deletecollection get list patch update watch | coordination.k8s.io | leases',
      'create | core | pods/eviction',
      'create | core | serviceaccounts/token',
    ],
  },
  'system:aggregate-to-view': {
    aggregateTo: ['view'],
    rules: [
      'get list watch | core | configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status',
      'get list watch | core | bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status',
      'get list watch | core | namespaces',
      'get list watch | apps | controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status',
      'get list watch | autoscaling | horizontalpodautoscalers horizontalpodautoscalers/status',
      'get list watch | batch | cronjobs cronjobs/status jobs jobs/status',
      'get list watch | policy | poddisruptionbudgets poddisruptionbudgets/status',
      'get list watch | networking.k8s.io | ingresses ingresses/status networkpolicies',
    ],
  },
  'system:auth-delegator': {
    rules: ['create | authentication.k8s.io | tokenreviews', 'create | authorization.k8s.io | subjectaccessreviews'],
  },
  'system:basic-user': {
    rules: [
      'create | authentication.k8s.io | selfsubjectreviews',
      'create | authorization.k8s.io | selfsubjectaccessreviews selfsubjectrulesreviews',
    ],
  },
  'system:certificates.k8s.io:certificatesigningrequests:nodeclient': {
    rules: ['create | certificates.k8s.io | certificatesigningrequests/nodeclient'],
  },
  'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient': {
    rules: ['create | certificates.k8s.io | certificatesigningrequests/selfnodeclient'],
  },
  'system:certificates.k8s.io:kube-apiserver-client-approver': {
    rules: ['approve | certificates.k8s.io | signers | kubernetes.io/kube-apiserver-client'],
  },
  'system:certificates.k8s.io:kube-apiserver-client-kubelet-approver': {
    rules: ['approve | certificates.k8s.io | signers | kubernetes.io/kube-apiserver-client-kubelet'],
  },
  'system:certificates.k8s.io:kubelet-serving-approver': {
    rules: ['approve | certificates.k8s.io | signers | kubernetes.io/kubelet-serving'],
  },
  'system:certificates.k8s.io:legacy-unknown-approver': {
    rules: ['approve | certificates.k8s.io | signers | kubernetes.io/legacy-unknown'],
  },
  'system:discovery': {
    rules: ['get | /api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/'],
  },
  'system:heapster': {
    rules: ['get list watch | core | events namespaces nodes pods'],
  },
  'system:kube-aggregator': {
    rules: ['get list watch | core | endpoints services'],
  },
  'system:kube-controller-manager': {
    rules: [
      'create patch update | core events.k8s.io | events',
      'create | coordination.k8s.io | leases',
      'get update | coordination.k8s.io | leases | kube-controller-manager',
      'create | core | endpoints',
      'get update | core | endpoints | kube-controller-manager',
      'create | core | secrets serviceaccounts',
      'delete | core | secrets',
      'get | core | configmaps namespaces secrets serviceaccounts',
      'update | core | secrets serviceaccounts',
      'create | authentication.k8s.io | tokenreviews',
      'create | authorization.k8s.io | subjectaccessreviews',
      'list watch | * | *',
      'create | core | serviceaccounts/token',
      'create delete get update | coordination.k8s.io | leases',
      'get list watch | * | *',
    ],
  },
  'system:kube-dns': {
    rules: ['list watch | core | endpoints services'],
  },
  'system:kube-scheduler': {
    rules: [
      'create patch update | core events.k8s.io | events',
      'create | coordination.k8s.io | leases',
      'get update | coordination.k8s.io | leases | kube-scheduler',
      'create | core | endpoints',
      'get update | core | endpoints | kube-scheduler',
      'get list watch | core | nodes',
      'delete get list watch | core | pods',
      'create | core | bindings pods/binding',
      'patch update | core | pods/status',
      'get list watch | core | replicationcontrollers services',
      'get list watch | apps | replicasets',
      'get list watch | apps | statefulsets',
      'get list watch | policy | poddisruptionbudgets',
      'get list watch | core | persistentvolumeclaims persistentvolumes',
      'create | authentication.k8s.io | tokenreviews',
      'create | authorization.k8s.io | subjectaccessreviews',
      'get list watch | storage.k8s.io | csinodes volumeattachments',
      'get list watch | core | namespaces',
      'get list watch | storage.k8s.io | csidrivers csistoragecapacities',
      'patch update | core | pods/status',
    ],
  },
  'system:kubelet-api-admin': {
    rules: [
      'get list watch | core | nodes',
      'proxy | core | nodes',
      '* | core | nodes/log nodes/metrics nodes/proxy nodes/spec nodes/stats',
    ],
  },
  'system:monitoring': {
    rules: ['get | /healthz /healthz/* /livez /livez/* /metrics /readyz /readyz/*'],
  },
  'system:node': {
    rules: [
      'create | authentication.k8s.io | tokenreviews',
      'create | authorization.k8s.io | localsubjectaccessreviews subjectaccessreviews',
      'get list watch | core | services',
      'create get list watch | core | nodes',
      'patch update | core | nodes/status',
      'patch update | core | nodes',
      'create patch update | core | events',
      'get list watch | core | pods',
      'create delete | core | pods',
      'patch update | core | pods/status',
      'create | core | pods/eviction',
      'get list watch | core | configmaps secrets',
      'get | core | persistentvolumeclaims persistentvolumes',
      'get | core | endpoints',
      'create get list watch | certificates.k8s.io | certificatesigningrequests',
      'create delete get patch update | coordination.k8s.io | leases',
      'get | storage.k8s.io | volumeattachments',
      'create | core | serviceaccounts/token',
      'get patch update | core | persistentvolumeclaims/status',
      'get list watch | storage.k8s.io | csidrivers',
      'create delete get patch update | storage.k8s.io | csinodes',
      'get list watch | node.k8s.io | runtimeclasses',
    ],
  },
  'system:node-bootstrapper': {
    rules: ['create get list watch | certificates.k8s.io | certificatesigningrequests'],
  },
  'system:node-problem-detector': {
    rules: ['get | core | nodes', 'patch | core | nodes/status', 'create patch update | core events.k8s.io | events'],
  },
  'system:node-proxier': {
    rules: [
      'list watch | core | endpoints services',
      'get list watch | core | nodes',
      'create patch update | core events.k8s.io | events',
      'list watch | discovery.k8s.io | endpointslices',
    ],
  },
  'system:persistent-volume-provisioner': {
    rules: [
      'create delete get list watch | core | persistentvolumes',
      'get list update watch | core | persistentvolumeclaims',
      'get list watch | storage.k8s.io | storageclasses',
      'watch | core | events',
      'create patch update | core events.k8s.io | events',
    ],
  },
  'system:public-info-viewer': {
    rules: ['get | /healthz /livez /readyz /version /version/'],
  },
  'system:service-account-issuer-discovery': {
    rules: ['get | /.well-known/openid-configuration /openid/v1/jwks'],
  },
  'system:volume-scheduler': {
    rules: [
      'get list patch update watch | core | persistentvolumes',
      'get list watch | storage.k8s.io | storageclasses',
      'get list patch update watch | core | persistentvolumeclaims',
    ],
  },
  view: {
    aggregateTo: ['edit'],
    aggregates: ['view'],
  },
}

/** Cluster role to subjects: `Group x`, `User x` or `ServiceAccount namespace/x`. Controllers' roles are bound to their accounts besides. */
export const clusterBindingRows: Readonly<Record<string, readonly string[]>> = {
  'cluster-admin': ['Group system:masters'],
  'system:basic-user': ['Group system:authenticated'],
  'system:discovery': ['Group system:authenticated'],
  'system:kube-controller-manager': ['User system:kube-controller-manager'],
  'system:kube-dns': ['ServiceAccount kube-system/kube-dns'],
  'system:kube-scheduler': ['User system:kube-scheduler'],
  'system:monitoring': ['Group system:monitoring'],
  'system:node': [],
  'system:node-proxier': ['User system:kube-proxy'],
  'system:public-info-viewer': ['Group system:authenticated', 'Group system:unauthenticated'],
  'system:service-account-issuer-discovery': ['Group system:serviceaccounts'],
  'system:volume-scheduler': ['User system:kube-scheduler'],
}

/** `namespace/name` of roles within a namespace. */
export const namespacedRoleRows: Readonly<Record<string, readonly string[]>> = {
  'kube-public/system:controller:bootstrap-signer': [
    'get list watch | core | configmaps',
    'update | core | configmaps | cluster-info',
    'create patch update | core events.k8s.io | events',
  ],
  'kube-system/extension-apiserver-authentication-reader': ['get list watch | core | configmaps | extension-apiserver-authentication'],
  'kube-system/system::leader-locking-kube-controller-manager': [
    'watch | core | configmaps',
    'get update | core | configmaps | kube-controller-manager',
  ],
  'kube-system/system::leader-locking-kube-scheduler': ['watch | core | configmaps', 'get update | core | configmaps | kube-scheduler'],
  'kube-system/system:controller:bootstrap-signer': ['get list watch | core | secrets'],
  'kube-system/system:controller:cloud-provider': ['create get list watch | core | configmaps'],
  'kube-system/system:controller:token-cleaner': [
    'delete get list watch | core | secrets',
    'create patch update | core events.k8s.io | events',
  ],
}

export const namespacedBindingRows: Readonly<Record<string, { readonly role: string; readonly subjects: readonly string[] }>> = {
  'kube-public/system:controller:bootstrap-signer': {
    role: 'system:controller:bootstrap-signer',
    subjects: ['ServiceAccount kube-system/bootstrap-signer'],
  },
  'kube-system/system::extension-apiserver-authentication-reader': {
    role: 'extension-apiserver-authentication-reader',
    subjects: ['User system:kube-controller-manager', 'User system:kube-scheduler'],
  },
  'kube-system/system::leader-locking-kube-controller-manager': {
    role: 'system::leader-locking-kube-controller-manager',
    subjects: ['User system:kube-controller-manager', 'ServiceAccount kube-system/kube-controller-manager'],
  },
  'kube-system/system::leader-locking-kube-scheduler': {
    role: 'system::leader-locking-kube-scheduler',
    subjects: ['User system:kube-scheduler', 'ServiceAccount kube-system/kube-scheduler'],
  },
  'kube-system/system:controller:bootstrap-signer': {
    role: 'system:controller:bootstrap-signer',
    subjects: ['ServiceAccount kube-system/bootstrap-signer'],
  },
  'kube-system/system:controller:cloud-provider': {
    role: 'system:controller:cloud-provider',
    subjects: ['ServiceAccount kube-system/cloud-provider'],
  },
  'kube-system/system:controller:token-cleaner': {
    role: 'system:controller:token-cleaner',
    subjects: ['ServiceAccount kube-system/token-cleaner'],
  },
}
