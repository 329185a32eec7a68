import { compileMessages, decodeMessage, encodeMessage, type Message, readEnvelope } from '@skiff/machinery'
import { typeFacts } from './facts.ts'

const messageOf = compileMessages(typeFacts)

/** The protobuf form of a type of the facts; undefined where it has none. */
export const messageOfType: (typeName: string) => Message | undefined = messageOf

interface Registered {
  readonly gvk?: readonly { readonly group: string; readonly version: string; readonly kind: string }[]
  readonly everyGroupVersion?: boolean
}

/** Type names by `apiVersion/Kind`; those of every group version by kind alone. */
const typeNames = (): ReadonlyMap<string, string> => {
  const names = new Map<string, string>()
  for (const [name, facts] of Object.entries(typeFacts as Readonly<Record<string, Registered>>)) {
    for (const { group, version, kind } of facts.gvk ?? []) names.set(`${group === '' ? version : `${group}/${version}`}/${kind}`, name)
    if (facts.everyGroupVersion && facts.gvk?.[0]) names.set(facts.gvk[0].kind, name)
  }
  return names
}
let names: ReadonlyMap<string, string> | undefined

/** The type of a kind in the facts; undefined for a kind that nobody registered. */
export const typeNameOfKind = (apiVersion: string, kind: string): string | undefined => {
  names ??= typeNames()
  return names.get(`${apiVersion}/${kind}`) ?? names.get(kind)
}

/** The message of a kind by its names; undefined for a kind that nobody registered. */
export const messageOfKind = (apiVersion: string, kind: string): Message | undefined => {
  const name = typeNameOfKind(apiVersion, kind)
  return name === undefined ? undefined : messageOf(name)
}

/** The raw message of an object, without an envelope. */
export const encodeProtobuf = (message: Message, object: object): Buffer =>
  encodeMessage(message, object as Readonly<Record<string, unknown>>)

/** Reads an enveloped object into wire JSON. What names no kind is read as `fallback`. Throws upstream's texts. */
export const decodeProtobuf = (bytes: Uint8Array, fallback?: { readonly apiVersion: string; readonly kind: string }): unknown => {
  const { raw, ...given } = readEnvelope(bytes)
  const apiVersion = given.apiVersion || (fallback?.apiVersion ?? '')
  const kind = given.kind || (fallback?.kind ?? '')
  const message = messageOfKind(apiVersion, kind)
  if (!message) throw new Error(`no kind "${kind}" is registered for version "${apiVersion}" in scheme "pkg/api/legacyscheme/scheme.go:30"`)
  return { kind, apiVersion, ...decodeMessage(message, raw) }
}
