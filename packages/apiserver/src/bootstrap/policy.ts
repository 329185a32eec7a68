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
      'get list watch | storage.k8s.io | csinodes',
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

export const controllerRoleRows: Readonly<Record<string, RoleRow>> = {
  'system:controller:attachdetach-controller': {
    rules: [
      'list watch | core | persistentvolumeclaims persistentvolumes',
      'get list watch | core | nodes',
      'patch update | core | nodes/status',
      'list watch | core | pods',
      'create patch update | core events.k8s.io | events',
      'create delete get list watch | storage.k8s.io | volumeattachments',
      'get list watch | storage.k8s.io | csidrivers',
      'get list watch | storage.k8s.io | csinodes',
    ],
  },
  'system:controller:certificate-controller': {
    rules: [
      'delete get list watch | certificates.k8s.io | certificatesigningrequests',
      'update | certificates.k8s.io | certificatesigningrequests/approval certificatesigningrequests/status',
      'approve | certificates.k8s.io | signers | kubernetes.io/kube-apiserver-client-kubelet',
      'sign | certificates.k8s.io | signers | kubernetes.io/kube-apiserver-client kubernetes.io/kube-apiserver-client-kubelet kubernetes.io/kubelet-serving kubernetes.io/legacy-unknown',
      'create | authorization.k8s.io | subjectaccessreviews',
      'create patch update | core events.k8s.io | events',
    ],
  },
  'system:controller:clusterrole-aggregation-controller': {
    rules: ['escalate get list patch update watch | rbac.authorization.k8s.io | clusterroles'],
  },
  'system:controller:cronjob-controller': {
    rules: [
      'get list update watch | batch | cronjobs',
      'create delete get list patch update watch | batch | jobs',
      'update | batch | cronjobs/status',
      'update | batch | cronjobs/finalizers',
      'delete list | core | pods',
      'create patch update | core events.k8s.io | events',
    ],
  },
  'system:controller:daemon-set-controller': {
    rules: [
      'get list watch | apps | daemonsets',
      'update | apps | daemonsets/status',
      'update | apps | daemonsets/finalizers',
      'list watch | core | nodes',
      'create delete list patch watch | core | pods',
      'create | core | pods/binding',
      'create delete get list patch update watch | apps | controllerrevisions',
      'create patch update | core events.k8s.io | events',
    ],
  },
  'system:controller:deployment-controller': {
    rules: [
      'get list update watch | apps | deployments',
      'update | apps | deployments/status',
      'update | apps | deployments/finalizers',
      'create delete get list patch update watch | apps | replicasets',
      'get list update watch | core | pods',
      'create patch update | core events.k8s.io | events',
    ],
  },
  'system:controller:disruption-controller': {
    rules: [
      'get list watch | apps | deployments',
      'get list watch | apps | replicasets',
      'get list watch | core | replicationcontrollers',
      'get list watch | policy | poddisruptionbudgets',
      'get list watch | apps | statefulsets',
      'update | policy | poddisruptionbudgets/status',
      'get | * | */scale',
      'create patch update | core events.k8s.io | events',
      'patch | core | pods/status',
    ],
  },
  'system:controller:endpoint-controller': {
    rules: [
      'get list watch | core | pods services',
      'create delete get list update | core | endpoints',
      'create | core | endpoints/restricted',
      'create patch update | core events.k8s.io | events',
    ],
  },
  'system:controller:endpointslice-controller': {
    rules: [
      'get list watch | core | nodes pods services',
      'update | core | services/finalizers',
      'create delete get list update | discovery.k8s.io | endpointslices',
      'create patch update | core events.k8s.io | events',
    ],
  },
  'system:controller:endpointslicemirroring-controller': {
    rules: [
      'get list watch | core | endpoints services',
      'update | core | services/finalizers',
      'update | core | endpoints/finalizers',
      'create delete get list update | discovery.k8s.io | endpointslices',
      'create patch update | core events.k8s.io | events',
      'create patch update | core events.k8s.io | events',
    ],
  },
  'system:controller:expand-controller': {
    rules: [
      'get list patch update watch | core | persistentvolumes',
      'patch update | core | persistentvolumeclaims/status',
      'get list watch | core | persistentvolumeclaims',
      'get list watch | storage.k8s.io | storageclasses',
      'get | core | endpoints services',
      'get | core | secrets',
      'create patch update | core events.k8s.io | events',
    ],
  },
  'system:controller:generic-garbage-collector': {
    rules: ['delete get list patch update watch | * | *', 'create patch update | core events.k8s.io | events'],
  },
  'system:controller:horizontal-pod-autoscaler': {
    rules: [
      'get list watch | autoscaling | horizontalpodautoscalers',
      'update | autoscaling | horizontalpodautoscalers/status',
      'get update | * | */scale',
      'list | core | pods',
      'get | core | services/proxy | http:heapster: https:heapster:',
      'list | metrics.k8s.io | pods',
      'get list | custom.metrics.k8s.io | *',
      'create patch update | core events.k8s.io | events',
    ],
  },
  'system:controller:job-controller': {
    rules: [
      'get list update watch | batch | jobs',
      'update | batch | jobs/status',
      'update | batch | jobs/finalizers',
      'create delete list patch watch | core | pods',
      'create patch update | core events.k8s.io | events',
      'patch | core | pods',
      'get list watch | core | nodes',
    ],
  },
  'system:controller:namespace-controller': {
    rules: [
      'delete get list watch | core | namespaces',
      'update | core | namespaces/finalize namespaces/status',
      'delete deletecollection get list | * | *',
    ],
  },
  'system:controller:node-controller': {
    rules: [
      'delete get list patch update | core | nodes',
      'patch update | core | nodes/status',
      'update | core | pods/status',
      'delete list | core | pods',
      'create patch update | core events.k8s.io | events',
      'get list watch | core | pods',
      'patch update | core | pods/status',
    ],
  },
  'system:controller:persistent-volume-binder': {
    rules: [
      'create delete get list update watch | core | persistentvolumes',
      'update | core | persistentvolumes/status',
      'get list update watch | core | persistentvolumeclaims',
      'update | core | persistentvolumeclaims/status',
      'create delete get list watch | core | pods',
      'get list watch | storage.k8s.io | storageclasses',
      'create delete get update | core | endpoints',
      'create delete get | core | services',
      'get | core | secrets',
      'get list | core | nodes',
      'watch | core | events',
      'create patch update | core events.k8s.io | events',
    ],
  },
  'system:controller:pod-garbage-collector': {
    rules: ['delete list watch | core | pods', 'get list | core | nodes', 'patch | core | pods/status'],
  },
  'system:controller:pv-protection-controller': {
    rules: ['get list update watch | core | persistentvolumes', 'create patch update | core events.k8s.io | events'],
  },
  'system:controller:pvc-protection-controller': {
    rules: [
      'get list update watch | core | persistentvolumeclaims',
      'get list watch | core | pods',
      'create patch update | core events.k8s.io | events',
    ],
  },
  'system:controller:replicaset-controller': {
    rules: [
      'get list update watch | apps | replicasets',
      'update | apps | replicasets/status',
      'update | apps | replicasets/finalizers',
      'create delete list patch watch | core | pods',
      'create patch update | core events.k8s.io | events',
    ],
  },
  'system:controller:replication-controller': {
    rules: [
      'get list update watch | core | replicationcontrollers',
      'update | core | replicationcontrollers/status',
      'update | core | replicationcontrollers/finalizers',
      'create delete list patch watch | core | pods',
      'create patch update | core events.k8s.io | events',
    ],
  },
  'system:controller:resourcequota-controller': {
    rules: ['list watch | * | *', 'update | core | resourcequotas/status', 'create patch update | core events.k8s.io | events'],
  },
  'system:controller:root-ca-cert-publisher': {
    rules: ['create update | core | configmaps', 'create patch update | core events.k8s.io | events'],
  },
  'system:controller:route-controller': {
    rules: ['list watch | core | nodes', 'patch | core | nodes/status', 'create patch update | core events.k8s.io | events'],
  },
  'system:controller:service-account-controller': {
    rules: ['create | core | serviceaccounts', 'create patch update | core events.k8s.io | events'],
  },
  'system:controller:service-controller': {
    rules: [
      'get list watch | core | services',
      'patch update | core | services/status',
      'list watch | core | nodes',
      'create patch update | core events.k8s.io | events',
    ],
  },
  'system:controller:statefulset-controller': {
    rules: [
      'list watch | core | pods',
      'get list watch | apps | statefulsets',
      'update | apps | statefulsets/status',
      'update | apps | statefulsets/finalizers',
      'create delete get patch update | core | pods',
      'create delete get list patch update watch | apps | controllerrevisions',
      'create get | core | persistentvolumeclaims',
      'create patch update | core events.k8s.io | events',
      'delete update | core | persistentvolumeclaims',
    ],
  },
  'system:controller:ttl-controller': {
    rules: ['list patch update watch | core | nodes', 'create patch update | core events.k8s.io | events'],
  },
  'system:controller:ephemeral-volume-controller': {
    rules: [
      'get list watch | core | pods',
      'update | core | pods/finalizers',
      'create get list watch | core | persistentvolumeclaims',
      'create patch update | core events.k8s.io | events',
    ],
  },
  'system:controller:legacy-service-account-token-cleaner': {
    rules: ['get | core | configmaps | kube-apiserver-legacy-service-account-token-tracking', 'delete patch | core | secrets'],
  },
  'system:controller:service-cidrs-controller': {
    rules: [
      'get list patch update watch | networking.k8s.io | servicecidrs',
      'patch update | networking.k8s.io | servicecidrs/finalizers',
      'patch update | networking.k8s.io | servicecidrs/status',
      'get list watch | networking.k8s.io | ipaddresses',
      'create patch update | core events.k8s.io | events',
    ],
  },
  'system:controller:ttl-after-finished-controller': {
    rules: ['delete get list watch | batch | jobs', 'create patch update | core events.k8s.io | events'],
  },
  'system:controller:validatingadmissionpolicy-status-controller': {
    rules: [
      'get list watch | admissionregistration.k8s.io | validatingadmissionpolicies',
      'get patch update | admissionregistration.k8s.io | validatingadmissionpolicies/status',
      'create patch update | core events.k8s.io | events',
    ],
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
