import type { Json } from '@skiff/machinery'
import { withAt } from '../objects/fields.ts'
import { UsageError } from '../usage-error.ts'
import type { Verb } from '../verb.ts'
import { changed, oneName, setCurrent, store } from './change.ts'
import { configFiles, fileFor, type Section, withEntry, writeConfigFile } from './file.ts'

const booleans = new Set(['insecure-skip-tls-verify', 'disable-compression'])
const fields: Readonly<Record<Section, ReadonlySet<string>>> = {
  clusters: new Set([
    ...['server', 'tls-server-name', 'insecure-skip-tls-verify', 'certificate-authority', 'certificate-authority-data'],
    ...['proxy-url', 'disable-compression'],
  ]),
  contexts: new Set(['cluster', 'user', 'namespace']),
  users: new Set([
    ...['client-certificate', 'client-certificate-data', 'client-key', 'client-key-data', 'token', 'tokenFile'],
    ...['as', 'as-uid', 'username', 'password'],
  ]),
}

interface Property {
  readonly section: Section
  readonly name: string
  /** undefined: the whole entry. */
  readonly field: string | undefined
}

/** `clusters.my.cluster.server`: names may hold dots, so the field is what stands last. */
const propertyOf = (text: string): Property => {
  const [section = '', ...rest] = text.split('.')
  if (!Object.hasOwn(fields, section) || rest.length === 0) throw new UsageError(`unable to parse ${text} after [] at api.Config`)
  const known = fields[section as Section]
  const last = rest.at(-1) as string
  const field = rest.length > 1 && known.has(last) ? last : undefined
  return { section: section as Section, name: (field ? rest.slice(0, -1) : rest).join('.'), field }
}

/** Where base64 goes wrong, as Go counts it: at the first foreign letter, or where the last group of four begins. */
const badBase64At = (text: string): number | undefined => {
  const foreign = text.search(/[^A-Za-z0-9+/=]/)
  if (foreign >= 0) return foreign
  return text.length % 4 === 0 ? undefined : text.length - (text.length % 4)
}

const readValue = (field: string, text: string, raw: boolean): Json => {
  if (booleans.has(field)) {
    if (!/^(?:1|t|T|true|TRUE|True|0|f|F|false|FALSE|False)$/.test(text))
      throw new UsageError(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`)
    return /^[1tT]/.test(text)
  }
  if (field.endsWith('-data') && !raw) {
    const wrong = badBase64At(text)
    if (wrong !== undefined) throw new UsageError(`error decoding input value: illegal base64 data at input byte ${wrong}`)
  }
  return field.endsWith('-data') && raw ? Buffer.from(text).toString('base64') : text
}

export const setProperty: Verb = {
  usage: 'PROPERTY_NAME PROPERTY_VALUE',
  flags: ['set-raw-bytes:bool'],
  run: async (invocation) => {
    const { session, flags, args } = invocation
    const [property, value] = args
    if (property === undefined || value === undefined || args.length > 2) throw new UsageError(`Unexpected args: [${args.join(' ')}]`)
    if (property === 'current-context') setCurrent(invocation, value)
    else {
      const { section, name, field } = propertyOf(property)
      if (field === undefined) throw new UsageError(`unable to parse ${property} after [${section} ${name}] at api.Config`)
      store(invocation, section, name, (entry) => changed(entry, { [field]: readValue(field, value, flags.bool('set-raw-bytes')) }))
    }
    session.say(`Property ${JSON.stringify(property)} set.`)
    return 0
  },
}

export const unsetProperty: Verb = {
  usage: 'PROPERTY_NAME',
  flags: [],
  run: async (invocation) => {
    const { session } = invocation
    const property = oneName(invocation)
    if (property === 'current-context') setCurrent(invocation, '')
    else {
      const { section, name, field } = propertyOf(property)
      const { path, document } = fileFor(configFiles(session), (each) => each[section].has(name))
      const entry = document[section].get(name)
      if (entry)
        writeConfigFile(path, withEntry(document, section, name, field === undefined ? undefined : withAt(entry, [field], undefined)))
    }
    session.say(`Property ${JSON.stringify(property)} unset.`)
    return 0
  },
}
