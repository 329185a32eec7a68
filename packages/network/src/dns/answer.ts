import type { Question } from './query.ts'
import type { Backing, Records, ServiceRecords } from './records.ts'
import { type Answer, noData, noSuchName } from './reply.ts'
import { addressBytes, addressRr, encodeName, nameRr, RCODE, type Rr, soaRr, srvRr, TYPE, textRr } from './wire.ts'

/** A CNAME chain within the cluster is followed this far. */
const MOST_HOPS = 8
/** The version of the specification that the names follow, as dns-version.ZONE says it. */
const SPEC_VERSION = '1.1.0'

/** The types that clients ask for, and whose answers are kept. */
const COMMON = new Set<number>([TYPE.A, TYPE.AAAA, TYPE.SRV])

/** What the cluster's records say; undefined when the name is not of the cluster, and another server must be asked. Pure. */
export const answer = (question: Question, records: Records): Answer | undefined => {
  const { name } = question
  const { zone } = records
  if (name.endsWith(zone) && (name.length === zone.length || name[name.length - zone.length - 1] === '.'))
    return inZone(name.slice(0, Math.max(0, name.length - zone.length - 1)), question.type, records, 0)
  if (name.endsWith('.in-addr.arpa') || name.endsWith('.ip6.arpa')) return reverse(question, records)
  return undefined
}

/** `rest` is the name without the zone. The order of tests is that of CoreDNS, so that what exists and what does not is the same. */
const inZone = (rest: string, type: number, records: Records, hops: number): Answer => {
  if (rest === '') return apex(type, records)
  const labels = rest.split('.')
  const kind = labels.pop() ?? ''
  if (kind === 'dns' || kind === 'dns-version') return ofServer(rest, type, records)
  if (kind !== 'svc' && kind !== 'pod') return noSuchName(records.soa)
  const namespace = labels.pop()
  if (namespace === undefined) return noData(records.soa)
  if (!records.hasNamespace(namespace)) return noSuchName(records.soa)
  const name = labels.pop()
  if (name === undefined) return noData(records.soa)
  if (kind === 'pod') return labels.length > 0 ? noSuchName(records.soa) : ofPod(name, type, records)
  const service = records.service(namespace, name)
  if (service === undefined || labels.length > 2) return noSuchName(records.soa)
  const key = `${labels.join('.')} ${type}`
  const made = service.answers.get(key)
  if (made !== undefined) return made
  const fresh = ofService(service, labels, type, `${name}.${namespace}.svc.${records.zone}`, records, hops)
  // Only what exists is kept, so that questions for endless names cost no memory; and no chain, since its end may change alone.
  if (fresh.rcode === RCODE.ok && COMMON.has(type) && service.kind !== 'external') service.answers.set(key, fresh)
  return fresh
}

const found = (answers: readonly Rr[], records: Records, additional: readonly Rr[] = []): Answer =>
  answers.length === 0 ? noData(records.soa) : { rcode: RCODE.ok, answers, authority: [], additional }

const apex = (type: number, records: Records): Answer => {
  if (type === TYPE.SOA) return found([{ type: TYPE.SOA, body: records.soa.body }], records)
  const server = encodeName(`ns.dns.${records.zone}`)
  if (type !== TYPE.NS || server === undefined) return noData(records.soa)
  const glue = records.server.map((address) => addressRr(address, records.ttlSeconds, server))
  return found([nameRr(TYPE.NS, server, records.ttlSeconds)], records, glue)
}

const ofServer = (rest: string, type: number, records: Records): Answer => {
  if (rest === 'dns-version') return found(type === TYPE.TXT ? [textRr(SPEC_VERSION, records.ttlSeconds)] : [], records)
  if (rest === 'dns') return noData(records.soa)
  if (rest !== 'ns.dns') return noSuchName(records.soa)
  return found(addresses(records.server, type, records.ttlSeconds), records)
}

/** `1-2-3-4.NAMESPACE.pod`: the address is in the name; whether such a pod exists is not asked (`pods insecure`). */
const ofPod = (name: string, type: number, records: Records): Answer => {
  const four = /^\d+-\d+-\d+-\d+$/.test(name)
  const address = addressBytes(name.replaceAll('-', four ? '.' : ':'))
  return address === undefined ? noSuchName(records.soa) : found(addresses([address], type, records.ttlSeconds), records)
}

const addresses = (all: readonly Buffer[], type: number, ttlSeconds: number): Rr[] =>
  all.filter((bytes) => type === (bytes.length === 4 ? TYPE.A : TYPE.AAAA)).map((bytes) => addressRr(bytes, ttlSeconds))

const ofService = (
  service: ServiceRecords,
  prefix: readonly string[],
  type: number,
  full: string,
  records: Records,
  hops: number,
): Answer => {
  if (service.kind === 'external') return prefix.length > 0 ? noSuchName(records.soa) : alias(service, type, full, records, hops)
  const backings = select(service, prefix)
  if (backings.length === 0) return noSuchName(records.soa)
  if (type === TYPE.SRV) return locations(backings, full, records)
  const distinct = new Map(backings.map(({ address }) => [address.toString('hex'), address]))
  return found(addresses([...distinct.values()], type, records.ttlSeconds), records)
}

/** [] the service, [endpoint] one of its endpoints, [port, protocol] those that have the port. The underscores may be left out. */
const select = (service: ServiceRecords, prefix: readonly string[]): readonly Backing[] => {
  const all = prefix.length === 1 || service.kind === 'headless' ? service.endpoints() : service.cluster
  const [first = '', protocol] = prefix
  if (prefix.length === 0) return all
  if (protocol === undefined) return all.filter((one) => one.label === first)
  const named = bare(first)
  return all.filter((one) => one.port?.name === named && one.port.protocol === bare(protocol))
}

const bare = (label: string): string => (label.startsWith('_') ? label.slice(1) : label)

/** SRV, each target with its address beside it. Weights share 100 among all, at least 1 each. */
const locations = (backings: readonly Backing[], full: string, records: Records): Answer => {
  const distinct = new Map<string, { target: Buffer; port: number }>()
  const glue = new Map<string, Rr>()
  for (const { label, address, port } of backings) {
    const name = label === '' ? full : `${label}.${full}`
    const target = encodeName(name)
    if (target === undefined || port === undefined) continue
    distinct.set(`${name} ${port.port}`, { target, port: port.port })
    glue.set(`${name} ${address.toString('hex')}`, addressRr(address, records.ttlSeconds, target))
  }
  const weight = Math.max(1, Math.floor(100 / Math.max(1, distinct.size)))
  const answers = [...distinct.values()].map(({ target, port }) => srvRr(weight, port, target, records.ttlSeconds))
  return found(answers, records, [...glue.values()])
}

/** An ExternalName service: a CNAME, and what it leads to as far as that lies in the cluster. */
const alias = (service: ServiceRecords, type: number, full: string, records: Records, hops: number): Answer => {
  const { target } = service
  const wire = encodeName(target)
  // An address is no name to point to, and a name that points to itself leads nowhere: to CoreDNS neither exists.
  if (wire === undefined || target === '' || target === full || addressBytes(target) !== undefined) return noSuchName(records.soa)
  const cname = nameRr(TYPE.CNAME, wire, records.ttlSeconds)
  if (type === TYPE.CNAME) return found([cname], records)
  if (type !== TYPE.A && type !== TYPE.AAAA) return noData(records.soa)
  if (!target.endsWith(`.${records.zone}`)) return { ...found([cname], records), elsewhere: target }
  if (hops >= MOST_HOPS) return found([cname], records)
  const next = inZone(target.slice(0, -records.zone.length - 1), type, records, hops + 1)
  const named = next.answers.map((rr) => ({ ...rr, name: rr.name ?? wire }))
  return { ...found([cname, ...named], records), ...(next.elsewhere !== undefined && { elsewhere: next.elsewhere }) }
}

/** PTR. An address outside the cluster's ranges that has no name here is another server's business. */
const reverse = ({ name, type }: Question, records: Records): Answer | undefined => {
  const address = reversed(name)
  if (address === undefined) return undefined
  const names = records.pointers(address.toString('hex'))
  const zone = address.length === 4 ? 'in-addr.arpa' : 'ip6.arpa'
  const soa = () => soaRr(zone, 0, records.ttlSeconds)
  if (names.length === 0) return records.owns(address) ? noSuchName(soa()) : undefined
  if (type !== TYPE.PTR) return noData(soa())
  return found(
    names.flatMap((one) => encodeName(one) ?? []).map((wire) => nameRr(TYPE.PTR, wire, records.ttlSeconds)),
    records,
  )
}

const reversed = (name: string): Buffer | undefined => {
  if (name.endsWith('.in-addr.arpa')) {
    return addressBytes(name.slice(0, -'.in-addr.arpa'.length).split('.').reverse().join('.'))
  }
  const hex = name.slice(0, -'.ip6.arpa'.length).split('.').reverse().join('')
  return /^[0-9a-f]{32}$/.test(hex) && name.length === '.ip6.arpa'.length + 63 ? Buffer.from(hex, 'hex') : undefined
}
