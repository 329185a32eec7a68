import { type IPAddress, ipAddress, type Service } from '@skiff/api'
import type { Client, EventRecorder } from '@skiff/client'
import { canonicalIp, type Env, ipFamilyOf, isRefusal } from '@skiff/machinery'
import type { Cache } from '../registry/cache.ts'
import { entriesOf, find } from '../registry/tree.ts'
import { type AddressPool, addressObject, allocatorName, familyLabel, isOf, managedByLabel } from './address-pool.ts'
import { familyOfAddress } from './families.ts'

export interface AddressRepairOptions {
  readonly client: Client
  readonly recorder: EventRecorder
  readonly services: Cache
  readonly addresses: Cache
  readonly pool: AddressPool
  readonly env: Env
}

/** A Service that is being made has an address before it is there itself. */
const graceMs = 60_000

/** The addresses that Services say they have. */
const addressesOf = ({ spec }: Service): readonly string[] =>
  spec.type === 'ExternalName' ? [] : (spec.clusterIPs ?? [spec.clusterIP ?? '']).filter((each) => each !== '' && each !== 'None')

const isManaged = ({ metadata }: IPAddress): boolean => metadata.labels?.[managedByLabel] === allocatorName

/**
 * One round over all Services and IPAddresses: each cluster address has its object, and no object of the allocator is left over.
 * True when some object is too young to tell.
 */
export const repairAddresses = async (options: AddressRepairOptions): Promise<boolean> => {
  for (const { object } of entriesOf(options.services.tree)) await repairService(options, object as Service)
  let young = false
  for (const { object } of entriesOf(options.addresses.tree)) if (await repairAddress(options, object as IPAddress)) young = true
  return young
}

/** What another server did meanwhile is as good. */
const tolerant = async (write: Promise<unknown>, codes: readonly number[]): Promise<void> => {
  try {
    await write
  } catch (error) {
    if (!codes.some((code) => isRefusal(error, code))) throw error
  }
}

const repairService = async (options: AddressRepairOptions, service: Service): Promise<void> => {
  const { client, recorder, addresses, services, pool } = options
  const tell = (reason: string, message: string) => recorder.event(service, 'Warning', reason, message)
  const { namespace = '', name } = service.metadata
  const recreate = async (address: string): Promise<void> => {
    await tolerant(client.remove(ipAddress, { name: address }), [404])
    await tolerant(client.create(ipAddress, addressObject(address, service)), [409])
  }
  for (const text of addressesOf(service)) {
    if (ipFamilyOf(text) === undefined) {
      tell('ClusterIPNotValid', `Cluster IP ${text} is not a valid IP; please recreate Service`)
      continue
    }
    const address = canonicalIp(text)
    const shown = `[${familyOfAddress(address)}]`
    if (!pool.holds(address)) {
      tell('ClusterIPOutOfRange', `Cluster IP ${shown}: ${address} is not within any configured Service CIDR; please recreate service`)
      continue
    }
    const held = find(addresses.tree, address)?.object as IPAddress | undefined
    if (!held) {
      tell('ClusterIPNotAllocated', `Cluster IP ${shown}: ${address} is not allocated; repairing`)
      await tolerant(client.create(ipAddress, addressObject(address, service)), [409])
    } else if (!isOf(held, service)) {
      if (namedTwice(services, held))
        tell('ClusterIPAlreadyAllocated', `Cluster IP ${shown}:${address} was assigned to multiple services; please recreate service`)
      else {
        tell(
          'ClusterIPNotAllocated',
          `the ClusterIP ${shown}: ${address} for Service ${namespace}/${name} has a wrong reference; repairing`,
        )
        await recreate(address)
      }
    } else if (!isManaged(held) || held.metadata.labels?.[familyLabel] !== familyOfAddress(address)) await recreate(address)
  }
}

/** The Service that an IPAddress names. */
const parentOf = (services: Cache, { spec }: IPAddress): Service | undefined => {
  const { group, resource, namespace, name } = spec.parentRef
  if (group || resource !== 'services') return undefined
  return find(services.tree, `${namespace ?? ''}/${name}`)?.object as Service | undefined
}
/** The one that an IPAddress names has its address too, so that it is not taken from that one. */
const namedTwice = (services: Cache, address: IPAddress): boolean => {
  const parent = parentOf(services, address)
  return parent !== undefined && addressesOf(parent).some((each) => canonicalIp(each) === address.metadata.name)
}

const repairAddress = async ({ client, recorder, services, env }: AddressRepairOptions, address: IPAddress): Promise<boolean> => {
  const { name, creationTimestamp } = address.metadata
  if (!isManaged(address) || namedTwice(services, address)) return false
  const { group = '', resource, namespace = '', name: parentName } = address.spec.parentRef
  const tell = (reason: string, message: string) => recorder.event(address, 'Warning', reason, message)
  const drop = () => tolerant(client.remove(ipAddress, { name }, { preconditions: { uid: address.metadata.uid } }), [404, 409])
  if (group !== '' || resource !== 'services') {
    const shown = `&ParentReference{Group:${group},Resource:${resource},Namespace:${namespace},Name:${parentName},}`
    tell('IPAddressNotAllocated', `IPAddress ${name} appears to have been modified, not referencing a Service ${shown}: cleaning up`)
    await drop()
    return false
  }
  // Young ones may belong to a write that is still under way.
  if (env.now() - Date.parse(creationTimestamp as string) <= graceMs) return true
  const said = `IPAddress: ${name} for Service ${namespace}/${parentName}`
  if (parentOf(services, address)) tell('IPAddressWrongReference', `${said} has a wrong reference; cleaning up`)
  else tell('IPAddressNotAllocated', `${said} appears to have leaked: cleaning up`)
  await drop()
  return false
}
