/**
 * Writes packages/api/generated/descriptions.json: what the types and fields of the API are for. The texts come from packages made of
 * the API's own 1.33 documents: kubernetes-models has every field of what is served by default, line by line; the JavaScript client of
 * that version has the rest, and the query parameters. Not committed; OpenAPI goes without descriptions where it is missing.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const modules = `${root}node_modules/`
/** The client's release of 1.33; the tests run with its newest one. */
const client = ['client-node-1.33', '@kubernetes/client-node'].map((name) => `${modules}${name}/dist/gen/`).find((path) => existsSync(path))
const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.'

interface Field {
  readonly ref?: string
  readonly format?: string
}
interface Facts {
  readonly types: Readonly<Record<string, { readonly fields?: Readonly<Record<string, Field>> }>>
}
interface Texts {
  readonly type: string
  readonly fields: ReadonlyMap<string, string>
}

const comment = String.raw`\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*`

/** A comment's text; a star that would have ended it is written with a backslash. */
const clean = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .trim()
    .replaceAll('*\\/', '*/')
    .replaceAll('\\*', '*')

const before = (source: string, at: number): string => {
  const match = new RegExp(`${comment}$`).exec(source.slice(0, at))
  return match ? clean(match[1] as string) : ''
}

/** kubernetes-models names a type without dots in one export a file: IIoK8sApiCoreV1Pod. */
const modelsBelow = (folder: string, into: Map<string, Texts>): Map<string, Texts> => {
  for (const entry of existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : []) {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory() && entry.name !== '_schemas' && entry.name !== 'node_modules') modelsBelow(path, into)
    if (!entry.name.endsWith('.d.ts') || entry.name === 'index.d.ts') continue
    const source = readFileSync(path, 'utf8')
    const alias = / as I(Io\w+)/.exec(source)?.[1]
    const start = /export (?:declare )?(?:interface|type) I/.exec(source)?.index
    if (alias === undefined || start === undefined) continue
    const fields = new Map<string, string>()
    const body = source.slice(start, source.indexOf('\n}\n', start))
    for (const match of body.matchAll(new RegExp(String.raw`\n    (?:${comment})?"([^"]+)"\??:`, 'g')))
      fields.set(match[2] as string, match[1] ? clean(match[1]) : '')
    into.set(alias.toLowerCase(), { type: before(source, start), fields })
  }
  return into
}

/** `io.k8s.api.core.v1.Event` is CoreV1Event where several groups have the name, and V1Pod where one has. */
const clientNames = (type: string): readonly string[] => {
  const segments = type.split('.')
  const capital = (text = '') => text.charAt(0).toUpperCase() + text.slice(1)
  const [group, version, name] = segments.slice(-3)
  return [`${capital(group)}${capital(version)}${name}`, `${capital(version)}${name}`]
}

const unescaped = (text: string): string => text.replace(/\\(['"\\])/g, '$1').replaceAll('\\n', '\n')

const clientModel = (type: string): Texts | undefined => {
  const name = clientNames(type).find((each) => existsSync(`${client}models/${each}.d.ts`))
  if (!name) return undefined
  const source = readFileSync(`${client}models/${name}.d.ts`, 'utf8')
  const start = source.indexOf('export declare class')
  const fields = new Map<string, string>()
  for (const match of source.slice(start).matchAll(new RegExp(`${comment}'([^']+)'\\??:`, 'g')))
    fields.set(match[2] as string, unescaped(clean(match[1] as string)))
  return { type: unescaped(before(source, start)), fields }
}

const conventions = 'https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md'
/** The client's models have no text of fields that are references: those that nearly every kind has, else the type's. */
const conventional: Readonly<Record<string, string>> = {
  metadata: `Standard object's metadata. More info: ${conventions}#metadata`,
  spec: `What the object is meant to be. More info: ${conventions}#spec-and-status`,
  status: `What was last observed of the object; read-only. More info: ${conventions}#spec-and-status`,
}

/** The client renames fields that are JavaScript's own words (`_continue`), and writes the texts of references' types, not theirs. */
const clientTexts = (type: string, fields: Readonly<Record<string, Field>> = {}): Texts | undefined => {
  const model = clientModel(type)
  if (!model) return undefined
  const texts = Object.entries(fields).map(([name, { ref }]): [string, string] => {
    const own = model.fields.get(name) ?? model.fields.get(`_${name}`) ?? ''
    return [name, own === '' && ref ? (conventional[name] ?? clientModel(ref)?.type ?? '') : own]
  })
  return { type: model.type, fields: new Map(texts) }
}

/** kubernetes-models says nothing of what every object has. */
const withTypeMeta = (texts: Texts): Texts => {
  const common = clientModel(`${meta}Status`)?.fields
  const fields = [...texts.fields].map(([name, text]): [string, string] => {
    const isTypeMeta = name === 'apiVersion' || name === 'kind'
    return [name, text === '' && isTypeMeta ? (common?.get(name) ?? '') : text]
  })
  return { ...texts, fields: new Map(fields) }
}

/** Query parameters are fields of options, whose texts the client has where it calls with them. */
const calls: Readonly<Record<string, string>> = {
  [`${meta}ListOptions`]: 'CoreV1ApiListNamespacedPod',
  [`${meta}CreateOptions`]: 'CoreV1ApiCreateNamespacedPod',
  [`${meta}UpdateOptions`]: 'CoreV1ApiReplaceNamespacedPod',
  [`${meta}PatchOptions`]: 'CoreV1ApiPatchNamespacedPod',
  query: 'CoreV1ApiReadNamespacedPod',
  'io.k8s.api.core.v1.PodLogOptions': 'CoreV1ApiReadNamespacedPodLog',
  'io.k8s.api.core.v1.PodExecOptions': 'CoreV1ApiConnectGetNamespacedPodExec',
  'io.k8s.api.core.v1.PodAttachOptions': 'CoreV1ApiConnectGetNamespacedPodAttach',
  'io.k8s.api.core.v1.PodPortForwardOptions': 'CoreV1ApiConnectGetNamespacedPodPortforward',
  'io.k8s.api.core.v1.PodProxyOptions': 'CoreV1ApiConnectGetNamespacedPodProxy',
  'io.k8s.api.core.v1.ServiceProxyOptions': 'CoreV1ApiConnectGetNamespacedServiceProxy',
  'io.k8s.api.core.v1.NodeProxyOptions': 'CoreV1ApiConnectGetNodeProxy',
}

const entities: Readonly<Record<string, string>> = {
  '&#39;': "'",
  '&quot;': '"',
  '&#x60;': '`',
  '&#x3D;': '=',
  '&lt;': '<',
  '&gt;': '>',
  '&amp;': '&',
}

/** A parameter's text: its lines were joined by blanks, two for a paragraph, three before an indented line. */
const parameterText = (text: string): string => {
  const plain = text
    .replace(/\s*Defaults to: undefined\s*@type[\s\S]*$/, '')
    .replace(/\\?(&#?\w+;)/g, (whole, entity: string) => entities[entity] ?? whole)
  const paragraphs = plain.replace(/(?<! ) {2}(?=[A-Z])/g, '\n\n')
  return paragraphs.includes('   ') ? paragraphs.replace(/ {3}(?=\S)/g, '\n  ').replace(/(?<=\.) (?=- `)/g, '\n') : paragraphs
}

const parameterTexts = (api: string, call: string): Texts => {
  const start = api.indexOf(`export interface ${call}Request {`)
  const body = api.slice(start, api.indexOf('\n}\n', start))
  const fields = new Map<string, string>()
  for (const match of body.matchAll(new RegExp(`${comment}_?(\\w+)\\??:`, 'g')))
    if (match[2] !== 'name' && match[2] !== 'namespace') fields.set(match[2] as string, parameterText(clean(match[1] as string)))
  return { type: '', fields }
}

/** Texts once each: many types share them. A type is [its text, field, text, field, text, …], texts by index. */
export const generateDescriptions = (): string => {
  const { types } = JSON.parse(readFileSync(`${root}packages/api/facts/api-1.33.json`, 'utf8')) as Facts
  const models = modelsBelow(`${modules}@kubernetes-models/apimachinery`, modelsBelow(`${modules}kubernetes-models`, new Map()))
  const api = readFileSync(`${client}types/ObjectParamAPI.d.ts`, 'utf8')
  const indices = new Map<string, number>([['', 0]])
  const indexOf = (text: string): number => {
    if (!indices.has(text)) indices.set(text, indices.size)
    return indices.get(text) as number
  }
  const out: Record<string, (number | string)[]> = {}
  const add = (name: string, { type, fields }: Texts) => {
    out[name] = [indexOf(type), ...[...fields].filter(([, text]) => text !== '').flatMap(([field, text]) => [field, indexOf(text)])]
  }
  for (const [name, { fields }] of Object.entries(types)) {
    const texts = models.get(name.replace(/[.-]/g, '').toLowerCase()) ?? clientTexts(name, fields)
    if (texts) add(name, withTypeMeta(texts))
  }
  for (const [name, call] of Object.entries(calls)) add(name, parameterTexts(api, call))
  return `${JSON.stringify({ texts: [...indices.keys()], types: out })}\n`
}

export const writeDescriptions = (): string => {
  const dir = `${root}packages/api/generated/`
  mkdirSync(dir, { recursive: true })
  const path = `${dir}descriptions.json`
  writeFileSync(path, generateDescriptions())
  return path
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeDescriptions()
