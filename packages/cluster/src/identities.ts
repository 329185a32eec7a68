/** Who a node's agent is to the API server. */
export const nodeIdentity = (name: string) => ({ name: `system:node:${name}`, groups: ['system:nodes', 'system:authenticated'] })

/** Who reads Services for a node's rules and DNS. */
export const proxyIdentity = { name: 'system:kube-proxy', groups: ['system:authenticated'] }
