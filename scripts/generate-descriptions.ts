/**
 * Writes packages/api/generated/descriptions.json: what the types and fields of the API are for, read from the doc comments of
 * @kubernetes/client-node's models. Not committed; OpenAPI goes without descriptions where it is missing.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const models = `${root}node_modules/@kubernetes/client-node/dist/gen/models/`

interface Facts {
  readonly types: Readonly<Record<string, { readonly fields?: Readonly<Record<string, unknown>> }>>
}

/** `io.k8s.api.core.v1.Event` is CoreV1Event where several groups have the name, and V1Pod where one has. */
const modelNames = (type: string): readonly string[] => {
  const segments = type.split('.')
  const capital = (text = '') => text.charAt(0).toUpperCase() + text.slice(1)
  const [group, version, name] = segments.slice(-3)
  return [`${capital(group)}${capital(version)}${name}`, `${capital(version)}${name}`]
}

const clean = (comment: string): string =>
  comment
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .trim()
    .replace(/\\(['"\\])/g, '$1')
    .replaceAll('\\n', '\n')

const commentsOf = (source: string): { type: string; fields: Map<string, string> } => {
  const body = source.indexOf('export declare class')
  const before = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*$/.exec(source.slice(0, body))
  const fields = new Map<string, string>()
  for (const match of source.slice(body).matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*'([^']+)'\??:/g))
    fields.set(match[2] as string, clean(match[1] as string))
  return { type: before ? clean(before[1] as string) : '', fields }
}

/** Texts once each: many types share them. A type is [its text, field, text, field, text, …], texts by index. */
export const generateDescriptions = (): string => {
  const { types } = JSON.parse(readFileSync(`${root}packages/api/facts/api-1.33.json`, 'utf8')) as Facts
  const texts = new Map<string, number>([['', 0]])
  const indexOf = (text: string): number => {
    if (!texts.has(text)) texts.set(text, texts.size)
    return texts.get(text) as number
  }
  const out: Record<string, (number | string)[]> = {}
  for (const [type, { fields }] of Object.entries(types)) {
    const name = modelNames(type).find((each) => existsSync(`${models}${each}.d.ts`))
    if (!name) continue
    const comments = commentsOf(readFileSync(`${models}${name}.d.ts`, 'utf8'))
    const row: (number | string)[] = [indexOf(comments.type)]
    for (const [field, text] of comments.fields) {
      const wire = fields && !Object.hasOwn(fields, field) ? field.replace(/^_/, '') : field
      row.push(wire, indexOf(text))
    }
    out[type] = row
  }
  return `${JSON.stringify({ texts: [...texts.keys()], types: out })}\n`
}

export const writeDescriptions = (): string => {
  const dir = `${root}packages/api/generated/`
  mkdirSync(dir, { recursive: true })
  const path = `${dir}descriptions.json`
  writeFileSync(path, generateDescriptions())
  return path
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeDescriptions()
