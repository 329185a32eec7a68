import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { JsonObject } from '@skiff/machinery'
import type { Flags } from '../flags.ts'
import { UsageError } from '../usage-error.ts'
import { type Generator, named } from './generator.ts'
import { nameArgument } from './words.ts'

const sources = ['from-file:array', 'from-literal:array', 'from-env-file:array', 'append-hash:bool']

const put = (data: Map<string, Buffer>, key: string, value: Buffer): void => {
  if (data.has(key)) throw new UsageError(`cannot add key "${key}", another key by that name already exists in Data for ConfigMap`)
  data.set(key, value)
}

const addFile = (data: Map<string, Buffer>, text: string): void => {
  const equals = text.indexOf('=')
  const path = text.slice(equals + 1)
  try {
    if (equals < 0 && statSync(path).isDirectory()) {
      for (const entry of readdirSync(path, { withFileTypes: true }))
        if (entry.isFile()) put(data, entry.name, readFileSync(join(path, entry.name)))
    } else put(data, equals < 0 ? basename(path) : text.slice(0, equals), readFileSync(path))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new UsageError(`error reading ${path}: no such file or directory`)
    throw error
  }
}

/** What --from-file, --from-literal and --from-env-file give. */
const dataOf = (flags: Flags): Map<string, Buffer> => {
  const data = new Map<string, Buffer>()
  for (const text of flags.list('from-file')) addFile(data, text)
  for (const text of flags.list('from-literal')) {
    const equals = text.indexOf('=')
    if (equals < 1) throw new UsageError(`invalid literal source ${text}, expected key=value`)
    put(data, text.slice(0, equals), Buffer.from(text.slice(equals + 1).replace(/^(['"])([\s\S]*)\1$/, '$2')))
  }
  for (const path of flags.list('from-env-file'))
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      const text = line.trimStart().replace(/\r$/, '')
      if (text === '' || text.startsWith('#')) continue
      const equals = text.indexOf('=')
      put(data, equals < 0 ? text : text.slice(0, equals), Buffer.from(equals < 0 ? (process.env[text] ?? '') : text.slice(equals + 1)))
    }
  return data
}

const sorted = (data: ReadonlyMap<string, string>): JsonObject => Object.fromEntries([...data].sort(([a], [b]) => (a < b ? -1 : 1)))
const base64 = (data: ReadonlyMap<string, Buffer>): JsonObject =>
  sorted(new Map([...data].map(([key, value]) => [key, value.toString('base64')])))

const isText = (bytes: Buffer): boolean => Buffer.from(bytes.toString('utf8')).equals(bytes)

export const configMap: Generator = {
  usage: 'NAME [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none]',
  flags: sources,
  object: (invocation) => {
    const data = [...dataOf(invocation.flags)]
    const texts = new Map(data.filter(([, value]) => isText(value)).map(([key, value]) => [key, value.toString('utf8')]))
    const binary = new Map(data.filter(([, value]) => !isText(value)))
    return named('v1', 'ConfigMap', nameArgument(invocation), {
      ...(texts.size > 0 ? { data: sorted(texts) } : {}),
      ...(binary.size > 0 ? { binaryData: base64(binary) } : {}),
    })
  },
}

export const genericSecret: Generator = {
  usage: 'NAME [--type=string] [--from-file=[key=]source] [--from-literal=key1=value1]',
  flags: [...sources, 'type:string'],
  object: (invocation) => {
    const data = dataOf(invocation.flags)
    const type = invocation.flags.text('type')
    return named('v1', 'Secret', nameArgument(invocation), { ...(data.size > 0 ? { data: base64(data) } : {}), ...(type ? { type } : {}) })
  },
}

const needed = (flags: Flags, name: string): string => {
  const value = flags.text(name)
  if (!value) throw new UsageError(`required flag(s) ${JSON.stringify(name)} not set`)
  return value
}

const readPem = (path: string): Buffer => {
  try {
    return readFileSync(path)
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw missing ? new UsageError(`Cannot read file ${path}, open ${path}: no such file or directory`) : error
  }
}

export const tlsSecret: Generator = {
  usage: 'NAME --cert=path/to/cert/file --key=path/to/key/file',
  flags: ['cert:string', 'key:string', 'append-hash:bool'],
  object: (invocation) => {
    const { flags } = invocation
    if (!flags.text('key') || !flags.text('cert')) throw new UsageError('key and cert must be specified')
    const data = new Map([
      ['tls.crt', readPem(needed(flags, 'cert'))],
      ['tls.key', readPem(needed(flags, 'key'))],
    ])
    return named('v1', 'Secret', nameArgument(invocation), { data: base64(data), type: 'kubernetes.io/tls' })
  },
}

export const dockerSecret: Generator = {
  usage: 'NAME --docker-username=user --docker-password=password --docker-email=email',
  flags: [
    'docker-username:string',
    'docker-password:string',
    'docker-email:string',
    'docker-server:string=https://index.docker.io/v1/',
    'from-file:array',
    'append-hash:bool',
  ],
  object: (invocation) => {
    const { flags } = invocation
    const files = new Map<string, Buffer>()
    for (const text of flags.list('from-file')) addFile(files, text.includes('=') ? text : `.dockerconfigjson=${text}`)
    if (files.size === 0) {
      const [username, password] = [needed(flags, 'docker-username'), needed(flags, 'docker-password')]
      const email = flags.text('docker-email')
      const entry = { username, password, ...(email ? { email } : {}), auth: Buffer.from(`${username}:${password}`).toString('base64') }
      files.set('.dockerconfigjson', Buffer.from(JSON.stringify({ auths: { [needed(flags, 'docker-server')]: entry } })))
    }
    return named('v1', 'Secret', nameArgument(invocation), { data: base64(files), type: 'kubernetes.io/dockerconfigjson' })
  },
}
