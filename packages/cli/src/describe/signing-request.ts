import type { GeneralNames } from '@peculiar/x509'
import { humanDuration } from '@skiff/machinery'
import { at, listAt, mapAt, textAt } from '../objects/fields.ts'
import { eventLines } from './event-lines.ts'
import { labelsText, nameLine, optionalLine, timeAt } from './lines.ts'
import type { Describer } from './look.ts'

const statusText = (conditions: readonly string[], issued: boolean): string => {
  const verdict = conditions.includes('Denied') ? 'Denied' : conditions.includes('Approved') ? 'Approved' : 'Pending'
  return `${verdict}${conditions.includes('Failed') ? ',Failed' : ''}${issued ? ',Issued' : ''}`
}

const rows = (title: string, values: readonly string[]): string[] =>
  values.map((value, i) => (i === 0 ? `\t${title}:\t${value}` : `\t\t${value}`))

// The names of a subject's parts, in the order in which they are told.
const subjectParts: Readonly<Record<string, string>> = {
  Organization: 'O',
  'Organizational Unit': 'OU',
  Country: 'C',
  Locality: 'L',
  Province: 'ST',
  StreetAddress: 'street',
  PostalCode: '2.5.4.17',
}
const alternativeNames: Readonly<Record<string, string>> = {
  'DNS Names': 'dns',
  'Email Addresses': 'email',
  URIs: 'url',
  'IP Addresses': 'ip',
}

const alternativeNamesId = '2.5.29.17'

const requestLines = async (request: string): Promise<string[]> => {
  const { Pkcs10CertificateRequest } = await import('@peculiar/x509')
  const parsed = new Pkcs10CertificateRequest(Buffer.from(request, 'base64').toString('utf8'))
  const field = (name: string): readonly string[] => parsed.subjectName.getField(name)
  const extension = parsed.getExtension(alternativeNamesId) as { readonly names: GeneralNames } | null
  const names = extension?.names.toJSON() ?? []
  return [
    'Subject:',
    `\tCommon Name:\t${field('CN').at(-1) ?? ''}`,
    `\tSerial Number:\t${field('2.5.4.5').at(-1) ?? ''}`,
    ...Object.entries(subjectParts).flatMap(([title, name]) => rows(title, field(name))),
    ...(names.length === 0 ? [] : ['Subject Alternative Names:']),
    ...Object.entries(alternativeNames).flatMap(([title, type]) =>
      rows(
        title,
        names.filter((each) => each.type === type).map(({ value }) => value),
      ),
    ),
  ]
}

export const describeCertificateSigningRequest: Describer = async (object, look) => {
  const seconds = at(object, 'spec.expirationSeconds')
  const conditions = listAt(object, 'status.conditions').map((each) => textAt(each, 'type'))
  return [
    nameLine(object),
    `Labels:\t${labelsText(mapAt(object, 'metadata.labels'))}`,
    `Annotations:\t${labelsText(mapAt(object, 'metadata.annotations'))}`,
    `CreationTimestamp:\t${timeAt(object, 'metadata.creationTimestamp')}`,
    `Requesting User:\t${textAt(object, 'spec.username')}`,
    ...optionalLine('Signer', at(object, 'spec.signerName')),
    ...(seconds === undefined ? [] : [`Requested Duration:\t${humanDuration(Number(seconds) * 1000)}`]),
    `Status:\t${statusText(conditions, textAt(object, 'status.certificate') !== '')}`,
    ...(await requestLines(textAt(object, 'spec.request'))),
    ...(await eventLines(object, look)),
  ]
}
