import { DerError, type DerValue, derTag, readAll, readOid } from './der.ts'
import { requestBytes } from './signing-request.ts'

interface Asked {
  readonly organizations: readonly string[]
  readonly commonName: string
  /** Tags of the alternative names: 1 e-mail, 2 DNS, 6 URI, 7 IP. */
  readonly alternatives: readonly number[]
}

const oids = { commonName: '2.5.4.3', organization: '2.5.4.10', extensions: '1.2.840.113549.1.9.14', alternatives: '2.5.29.17' } as const
const setTag = 0x31
const attributesTag = 0xa0
const octetsTag = 4

/** Upstream's rule for requests that name no signer: those of a kubelet, as client or as server, are known by what they ask for. */
export const defaultSigner = (pem: Buffer, usages: readonly string[]): string => {
  const asked = readAsked(pem)
  if (!asked || asked.organizations.join() !== 'system:nodes' || !asked.commonName.startsWith('system:node:'))
    return 'kubernetes.io/legacy-unknown'
  const { alternatives } = asked
  const wants = (use: string) => {
    const wanted = ['digital signature', 'key encipherment', use]
    return wanted.every((each) => usages.includes(each)) && usages.every((each) => wanted.includes(each))
  }
  if (alternatives.length === 0 && wants('client auth')) return 'kubernetes.io/kube-apiserver-client-kubelet'
  const hosts = alternatives.length > 0 && alternatives.every((tag) => tag === 2 || tag === 7)
  return hosts && wants('server auth') ? 'kubernetes.io/kubelet-serving' : 'kubernetes.io/legacy-unknown'
}

const readAsked = (pem: Buffer): Asked | undefined => {
  const bytes = requestBytes(pem)
  if (!bytes) return undefined
  try {
    const [info] = readAll(bytes, derTag.sequence)
    const [, subject, , attributes] = info ? readAll(info, derTag.sequence) : []
    if (!subject) return undefined
    const names = readAll(subject, derTag.sequence).flatMap((set) => readAll(set, setTag).map((each) => readAll(each, derTag.sequence)))
    const texts = (oid: string) =>
      names.filter(([type]) => type && readOid(type) === oid).map(([, value]) => value?.content.toString() ?? '')
    return {
      organizations: texts(oids.organization),
      commonName: texts(oids.commonName)[0] ?? '',
      alternatives: attributes?.tag === attributesTag ? alternativesIn(attributes) : [],
    }
  } catch (error) {
    if (error instanceof DerError) return undefined
    throw error
  }
}

const alternativesIn = (attributes: DerValue): readonly number[] =>
  named(readAll(attributes, attributesTag), oids.extensions)
    .flatMap((set) => readAll(set, setTag))
    .flatMap((list) => named(readAll(list, derTag.sequence), oids.alternatives))
    .filter(({ tag }) => tag === octetsTag)
    .flatMap(({ content }) => readAll(readOne(content), derTag.sequence).map(({ tag }) => tag & 0x1f))

/** The last part of each sequence that begins with this identifier. */
const named = (list: readonly DerValue[], oid: string): readonly DerValue[] =>
  list.flatMap((each) => {
    const parts = readAll(each, derTag.sequence)
    const last = parts.at(-1)
    return parts[0] && last && readOid(parts[0]) === oid ? [last] : []
  })

const readOne = (bytes: Buffer): DerValue => readAll({ tag: 0, content: bytes, whole: bytes }, 0)[0] as DerValue
