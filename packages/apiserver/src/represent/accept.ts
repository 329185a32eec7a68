import { notAcceptable, Refusal } from '@skiff/machinery'
import { type Clause, parseAccept } from './accept-clauses.ts'

/** How a reply is to look: the encoding, and whether the object itself, its metadata alone, or a table of it is asked for. */
export interface Form {
  readonly encoding: 'json' | 'yaml' | 'protobuf' | 'cbor'
  readonly as: 'object' | 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList'
  /** Version of meta.k8s.io that a table or partial object is written in. */
  readonly version: 'v1' | 'v1beta1'
  readonly pretty: boolean
}

/** What may be asked for where. */
export interface Offer {
  /** CBOR is served. */
  readonly cbor: boolean
  /**
   * builtin: any encoding, after a look at what the route gives; custom: no protobuf of objects, and no such look; plain: documents and
   * Statuses, of which there are no tables; served: a document whose route is looked at.
   */
  readonly of: 'builtin' | 'custom' | 'plain' | 'served'
  /** A list or a watch, whose route gives streams too. */
  readonly many?: boolean
}

interface MediaType {
  readonly name: string
  readonly encoding: Form['encoding']
  /** The name of its watches; YAML has none. */
  readonly stream?: string
}

const protobuf = 'application/vnd.kubernetes.protobuf'
const withoutCbor: readonly MediaType[] = [
  { name: 'application/json', encoding: 'json', stream: 'application/json;stream=watch' },
  { name: 'application/yaml', encoding: 'yaml' },
  { name: protobuf, encoding: 'protobuf', stream: `${protobuf};stream=watch` },
]
const withCbor: readonly MediaType[] = [...withoutCbor, { name: 'application/cbor', encoding: 'cbor', stream: 'application/cbor-seq' }]
const mediaTypes = (cbor: boolean): readonly MediaType[] => (cbor ? withCbor : withoutCbor)
const streamNames = (cbor: boolean): readonly string[] => mediaTypes(cbor).flatMap(({ stream }) => stream ?? [])

/** The media types of bodies and answers, as refusals list them. */
export const mediaTypeNames = (cbor: boolean): string =>
  mediaTypes(cbor)
    .map(({ name }) => name)
    .join(', ')

/** What most callers get. */
export const plain: Form = { encoding: 'json', as: 'object', version: 'v1', pretty: false }
type Answer = { readonly form: Form } | { readonly refusal: Refusal }
const known = new Map<string, Answer>()
const mostKnown = 1000

/** The best of what an Accept header asks for; refuses with 406 what cannot be given. Answers are remembered by text. */
export const formOf = (accept: string | undefined, offer: Offer): Form => {
  if (!accept || accept === 'application/json' || accept === '*/*') return plain
  const answer = answerTo(accept, offer)
  if ('refusal' in answer) throw answer.refusal
  return answer.form
}

/** The same for an answer that must be given: undefined where nothing fits. */
export const formOrNone = (accept: string | undefined, offer: Offer): Form | undefined => {
  if (!accept || accept === 'application/json' || accept === '*/*') return plain
  const answer = answerTo(accept, offer)
  return 'form' in answer ? answer.form : undefined
}

/** Refuses an encoding that no watch has. */
export const checkStreams = (form: Form, cbor: boolean): void => {
  if (form.encoding === 'yaml') throw onlyThese(streamNames(cbor))
}

const answerTo = (accept: string, offer: Offer): Answer => {
  const key = `${offer.of}${offer.cbor ? '+' : ''}${offer.many ? '*' : ''} ${accept}`
  let answer = known.get(key)
  if (!answer) {
    answer = negotiate(accept, offer)
    if (known.size < mostKnown) known.set(key, answer)
  }
  return answer
}

const onlyThese = (names: readonly string[]): Refusal => notAcceptable(`only the following media types are accepted: ${names.join(', ')}`)

const negotiate = (accept: string, offer: Offer): Answer => {
  const types = mediaTypes(offer.cbor)
  const names = types.map(({ name }) => name)
  if (offer.of === 'builtin' || offer.of === 'served') {
    const given = offer.many ? [...names, ...streamNames(offer.cbor)] : names
    if (!routeGives(accept, given)) return { refusal: unavailable(given) }
  }
  for (const clause of parseAccept(accept))
    for (const type of types) {
      if (clause.type !== type.name && clause.type !== '*/*' && clause.type !== 'application/*') continue
      const form = formIn(type, clause, offer)
      if (form) return { form }
    }
  return { refusal: onlyThese(names) }
}

/** The router's own look, which knows no weights, no parameters and no `application/*`. */
const routeGives = (accept: string, given: readonly string[]): boolean =>
  accept.split(',').some((part) => {
    const name = (part.split(';')[0] as string).replace(/^ +| +$/g, '')
    return name === '*/*' || given.includes(name)
  })

/** What the router says when a route gives nothing that is accepted. */
export const unavailable = (given: readonly string[]): Refusal =>
  new Refusal(406, 'NotAcceptable', `406: Not Acceptable\n\nAvailable representations: ${given.join(', ')}`, {})

const transforms = new Set(['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList'])

const formIn = (type: MediaType, { parameters }: Clause, { of }: Offer): Form | undefined => {
  const stream = parameters.get('stream') ?? ''
  if (stream !== '' && (type.stream === undefined || stream !== 'watch')) return undefined
  const version = parameters.get('sv') ?? ''
  const documents = of === 'plain' || of === 'served'
  if (version !== '' && (documents || version !== 'v1')) return undefined
  const pretty = type.encoding === 'json' && parameters.get('pretty') === '1'
  const { encoding } = type
  const [as, g, v] = [parameters.get('as'), parameters.get('g'), parameters.get('v')]
  if (as === undefined && g === undefined && v === undefined)
    return of === 'custom' && encoding === 'protobuf' ? undefined : { encoding, as: 'object', version: 'v1', pretty }
  if (documents || g !== 'meta.k8s.io' || (v !== 'v1' && v !== 'v1beta1') || as === undefined || !transforms.has(as)) return undefined
  return as === 'Table' && encoding === 'protobuf' ? undefined : { encoding, as: as as Form['as'], version: v, pretty }
}
