import { notAcceptable } from '@skiff/machinery'

/** How a reply is to look: the encoding, and whether the object itself, its metadata alone, or a table of it is asked for. */
export interface Form {
  readonly encoding: 'json' | 'yaml'
  readonly as: 'object' | 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList'
  /** Version of meta.k8s.io that a table or partial object is written in. */
  readonly version: 'v1' | 'v1beta1'
  readonly pretty: boolean
}

const plain: Form = { encoding: 'json', as: 'object', version: 'v1', pretty: false }
const known = new Map<string, Form | undefined>()

/** The first media type of an Accept header that can be served; refuses with 406 when there is none. Answers are remembered by text. */
export const formOf = (accept: string | undefined): Form => {
  if (!accept || accept === 'application/json' || accept === '*/*') return plain
  let form = known.get(accept)
  if (form === undefined && !known.has(accept)) {
    form = negotiate(accept)
    if (known.size < 1000) known.set(accept, form)
  }
  if (!form)
    throw notAcceptable(
      'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    )
  return form
}

const negotiate = (accept: string): Form | undefined => {
  const clauses = accept
    .split(',')
    .map((text, order) => clauseOf(text, order))
    .sort((a, b) => b.quality - a.quality || a.order - b.order)
  for (const clause of clauses) {
    const form = clauseForm(clause)
    if (form) return form
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
