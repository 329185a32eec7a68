import { notAcceptable } from '@skiff/machinery'

/** How a reply is to look: the encoding, and whether the object itself, its metadata alone, or a table of it is asked for. */
export interface Form {
  readonly encoding: 'json' | 'yaml' | 'protobuf'
  readonly as: 'object' | 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList'
  /** Version of meta.k8s.io that a table or partial object is written in. */
  readonly version: 'v1' | 'v1beta1'
  readonly pretty: boolean
}

const plain: Form = { encoding: 'json', as: 'object', version: 'v1', pretty: false }
const known = { with: new Map<string, Form | undefined>(), without: new Map<string, Form | undefined>() }

/**
 * The best media type of an Accept header that can be served; refuses with 406 when there is none. Custom kinds and documents
 * have no protobuf form. Answers are remembered by text.
 */
export const formOf = (accept: string | undefined, protobuf = true): Form => {
  if (!accept || accept === 'application/json' || accept === '*/*') return plain
  const form = remembered(accept, protobuf)
  if (!form)
    throw notAcceptable(
      `only the following media types are accepted: application/json, application/yaml${protobuf ? ', application/vnd.kubernetes.protobuf' : ''}`,
    )
  return form
}

/** True where an answer that any client understands, such as a Status, is to be protobuf. */
export const prefersProtobuf = (accept: string | undefined): boolean =>
  accept?.includes('protobuf') === true && remembered(accept, true)?.encoding === 'protobuf'

const remembered = (accept: string, protobuf: boolean): Form | undefined => {
  const answers = protobuf ? known.with : known.without
  let form = answers.get(accept)
  if (form === undefined && !answers.has(accept)) {
    form = negotiate(accept, protobuf)
    if (answers.size < 1000) answers.set(accept, form)
  }
  return form
}

const negotiate = (accept: string, protobuf: boolean): Form | undefined => {
  const clauses = accept
    .split(',')
    .map((text, order) => clauseOf(text, order))
    .sort((a, b) => b.quality - a.quality || a.order - b.order)
  for (const clause of clauses) {
    const form = clauseForm(clause)
    if (form && (form.encoding !== 'protobuf' || (protobuf && form.as !== 'Table'))) return form
  }
  return undefined
}

interface Clause {
  readonly type: string
  readonly parameters: Readonly<Record<string, string>>
  readonly quality: number
  readonly order: number
}

const clauseOf = (text: string, order: number): Clause => {
  const [type = '', ...rest] = text.split(';').map((part) => part.trim())
  const parameters = Object.fromEntries(rest.map((part) => part.split('=', 2).map((side) => side.trim().replace(/^"|"$/g, ''))))
  return { type: type.toLowerCase(), parameters, quality: parameters.q === undefined ? 1 : Number(parameters.q), order }
}

const encodings: Readonly<Record<string, Form['encoding']>> = {
  'application/json': 'json',
  'application/*': 'json',
  '*/*': 'json',
  'application/yaml': 'yaml',
  'application/vnd.kubernetes.protobuf': 'protobuf',
}
const transforms = new Set(['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList'])

const clauseForm = ({ type, parameters }: Clause): Form | undefined => {
  const encoding = encodings[type]
  if (!encoding) return undefined
  const { as, g, v } = parameters
  if (parameters.stream !== undefined && parameters.stream !== 'watch') return undefined
  const pretty = parameters.pretty === '1' || parameters.pretty === 'true'
  if (as === undefined) return { encoding, as: 'object', version: 'v1', pretty }
  if (g !== 'meta.k8s.io' || (v !== 'v1' && v !== 'v1beta1') || !transforms.has(as)) return undefined
  return { encoding, as: as as Form['as'], version: v, pretty }
}
