import type { KubeObject } from '@skiff/machinery'

// The versions of resource.k8s.io differ in two places: a request of one device class is a part of its own from v1beta2 on, and so is
// not a device's description any more; capacities are plain quantities in v1alpha3. Here all of them meet in v1beta2.

type Loose = Readonly<Record<string, unknown>>
type Change = (value: Loose) => Loose

const inPart = (object: Loose, name: string, change: Change): Loose =>
  object[name] === undefined ? object : { ...object, [name]: change(object[name] as Loose) }
const inEach = (object: Loose, name: string, change: Change): Loose =>
  Array.isArray(object[name]) ? { ...object, [name]: (object[name] as readonly Loose[]).map(change) } : object
const inValues = (object: Loose, name: string, change: (value: unknown) => unknown): Loose => {
  const map = object[name]
  if (map === undefined) return object
  return {
    ...object,
    [name]: Object.assign(Object.create(null), ...Object.entries(map as Loose).map(([key, value]) => ({ [key]: change(value) }))),
  }
}

/** Requests that name alternatives have no class of their own. */
const exactly: Change = (request) => {
  const { name, firstAvailable, ...rest } = request
  if (Array.isArray(firstAvailable) && firstAvailable.length > 0) return request
  return { name, exactly: rest }
}
const flat: Change = ({ exactly: inner, ...rest }) =>
  inner === undefined ? { deviceClassName: '', ...rest } : { ...rest, ...(inner as Loose) }

const described: Change = ({ basic, ...rest }) => ({ ...rest, ...(basic as Loose | undefined) })
const apart: Change = ({ name, ...basic }) => ({ name, basic })

const inRequests = (spec: Loose, change: Change): Loose => inPart(spec, 'devices', (devices) => inEach(devices, 'requests', change))

/** What a version differs by, by plural: from it to v1beta2, and back. */
const steps = (version: string): Readonly<Record<string, readonly [to: Change, from: Change]>> => {
  if (version === 'v1beta2') return {}
  const plain = version === 'v1alpha3'
  const asPart = (device: Loose) => (plain ? inValues(device, 'capacity', (value) => ({ value })) : device)
  const asQuantity = (device: Loose) => (plain ? inValues(device, 'capacity', (value) => (value as Loose).value) : device)
  return {
    resourceclaims: [
      (claim) => inPart(claim, 'spec', (spec) => inRequests(spec, exactly)),
      (claim) => inPart(claim, 'spec', (spec) => inRequests(spec, flat)),
    ],
    resourceclaimtemplates: [
      (template) => inPart(template, 'spec', (outer) => inPart(outer, 'spec', (spec) => inRequests(spec, exactly))),
      (template) => inPart(template, 'spec', (outer) => inPart(outer, 'spec', (spec) => inRequests(spec, flat))),
    ],
    resourceslices: [
      (slice) => inPart(slice, 'spec', (spec) => inEach(spec, 'devices', (device) => asPart(described(device)))),
      (slice) => inPart(slice, 'spec', (spec) => inEach(spec, 'devices', (device) => apart(asQuantity(device)))),
    ],
  }
}

/** An object of resource.k8s.io in another of its versions. */
export const convertResource = (plural: string, object: KubeObject, from: string, to: string): KubeObject => {
  if (from === to) return object
  const raised = steps(from)[plural]?.[0](object as unknown as Loose) ?? object
  const lowered = steps(to)[plural]?.[1](raised as Loose) ?? raised
  return { ...(lowered as unknown as KubeObject), apiVersion: `resource.k8s.io/${to}` }
}
