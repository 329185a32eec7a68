import { secret as secretResource } from '@skiff/api'
import { type JsonObject, sortedKeys } from '@skiff/machinery'
import { type Dynamic, listAt, mapAt, textAt } from '../objects/fields.ts'
import { eventLines } from './event-lines.ts'
import { nameLines, tagLines } from './lines.ts'
import type { Describer } from './look.ts'

const bytesOf = (base64: unknown): Buffer => Buffer.from(String(base64), 'base64')

export const describeConfigMap: Describer = async (map, look) => {
  const [data, binary] = [mapAt(map, 'data'), mapAt(map, 'binaryData')]
  return [
    ...nameLines(map),
    ...tagLines(map),
    '',
    'Data',
    '====',
    ...sortedKeys(data).flatMap((key) => [`${key}:`, '----', String(data[key]), '']),
    '',
    'BinaryData',
    '====',
    ...sortedKeys(binary).map((key) => `${key}: ${bytesOf(binary[key]).length} bytes`),
    '',
    ...(await eventLines(map, look)),
  ]
}

export const describeSecret: Describer = async (secret) => {
  const [type, data] = [textAt(secret, 'type'), mapAt(secret, 'data')]
  const shown = (key: string): string =>
    key === 'token' && type === 'kubernetes.io/service-account-token'
      ? bytesOf(data[key]).toString('utf8')
      : `${bytesOf(data[key]).length} bytes`
  return [
    ...nameLines(secret),
    ...tagLines(secret),
    '',
    `Type:\t${type}`,
    '',
    'Data',
    '====',
    ...sortedKeys(data).map((key) => `${key}:\t${shown(key)}`),
  ]
}

const annotationOf = (object: JsonObject, key: string): string => textAt(object, ['metadata', 'annotations', key])

const secretRows = (title: string, names: readonly string[], missing: (name: string) => boolean): string[] => {
  const header = title.padEnd('Image pull secrets:'.length)
  if (names.length === 0) return [`${header}\t<none>`]
  return names.map((name, i) => `${i === 0 ? header : ' '.repeat(header.length)}\t${name}${missing(name) ? ' (not found)' : ''}`)
}

export const describeServiceAccount: Describer = async (account, look) => {
  const { name, namespace = '', uid } = account.metadata
  const secrets: readonly Dynamic[] | undefined = await look.list(secretResource, namespace).catch(() => undefined)
  const tokens = (secrets ?? []).filter(
    (each) =>
      textAt(each, 'type') === 'kubernetes.io/service-account-token' &&
      annotationOf(each, 'kubernetes.io/service-account.name') === name &&
      annotationOf(each, 'kubernetes.io/service-account.uid') === uid,
  )
  // Where secrets cannot be read, none counts as missing.
  const missing = (wanted: string): boolean => secrets !== undefined && !secrets.some((each) => each.metadata.name === wanted)
  const named = (key: string): string[] => listAt(account, key).map((each) => textAt(each, 'name'))
  return [
    ...nameLines(account),
    ...tagLines(account),
    ...secretRows('Image pull secrets:', named('imagePullSecrets'), missing),
    ...secretRows('Mountable secrets:', named('secrets'), missing),
    ...secretRows(
      'Tokens:',
      tokens.map((each) => each.metadata.name),
      missing,
    ),
    ...(await eventLines(account, look)),
  ]
}
