import { type ServiceCIDR, serviceCIDR } from '@skiff/api'
import { type Client, createRecorder } from '@skiff/client'
import { type Env, isRefusal, rfc3339 } from '@skiff/machinery'

const name = 'kubernetes'

/**
 * Makes the ServiceCIDR `kubernetes` of the ranges that the server was given, adds a second family to it, and says that it is ready.
 * One that says something else stays: addresses are in use.
 */
export const keepDefaultServiceCidr = async (client: Client, cidrs: readonly string[], env: Env): Promise<void> => {
  const held = await get(client)
  const before = held?.spec.cidrs ?? []
  if (held && before.length === 1 && cidrs.length === 2 && before[0] === cidrs[0])
    await syncStatus(client, await client.update(serviceCIDR, { ...held, spec: { cidrs } }), cidrs, env)
  else await syncStatus(client, held ?? (await make(client, cidrs)), cidrs, env)
}

const get = async (client: Client): Promise<ServiceCIDR | undefined> => {
  try {
    return await client.get(serviceCIDR, { name })
  } catch (error) {
    if (isRefusal(error, 404)) return undefined
    throw error
  }
}

const make = async (client: Client, cidrs: readonly string[]): Promise<ServiceCIDR> => {
  try {
    return await client.create(serviceCIDR, { metadata: { name }, spec: { cidrs } })
  } catch (error) {
    if (isRefusal(error, 409)) return client.get(serviceCIDR, { name })
    throw error
  }
}

const syncStatus = async (client: Client, held: ServiceCIDR, cidrs: readonly string[], env: Env): Promise<void> => {
  if (held.metadata.deletionTimestamp !== undefined) return
  const stored = held.spec.cidrs ?? []
  if (stored.join() !== cidrs.join()) {
    const recorder = createRecorder(client, env, { component: 'kubernetes-service-cidr-controller' })
    const message = `The default ServiceCIDR [${stored.join(' ')}] does not match the controller flag configurations [${cidrs.join(' ')}]`
    recorder.event(held, 'Warning', 'KubernetesDefaultServiceCIDRInconsistent', message)
    return
  }
  if (held.status?.conditions?.some(({ type, status }) => type === 'Ready' && status !== 'Unknown')) return
  const ready = {
    type: 'Ready',
    status: 'True',
    reason: '',
    message: 'Kubernetes default Service CIDR is ready',
    lastTransitionTime: rfc3339(env.now()),
  }
  await client.update(serviceCIDR, { ...held, status: { conditions: [ready] } }, { subresource: 'status' })
}
