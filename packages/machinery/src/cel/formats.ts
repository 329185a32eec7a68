import { nameIsDns1035Label, nameIsDnsLabel, nameIsDnsSubdomain } from '../names/objectmeta.ts'
import { type Complaints, isDns1035Label, isDns1123Label, isDns1123Subdomain, isLabelValue, isQualifiedName } from '../names/syntax.ts'
import { type CelFormat, type CelFunction, type CelValue, isTagged, noOverload } from './value.ts'

// The library of named formats: `format.dns1123Label().validate(self.name)`.

const matching =
  (pattern: RegExp, complaint: string) =>
  (text: string): Complaints =>
    pattern.test(text) ? [] : [complaint]

const isDay = (text: string): boolean =>
  /^\d{4}-\d{2}-\d{2}$/.test(text) && new Date(`${text}T00:00:00Z`).toJSON()?.startsWith(text) === true
const time = /^(\d{4}-\d{2}-\d{2})[Tt ]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]\d{2}:?\d{2})?$/

const uri = (text: string): Complaints => {
  const absolute = /^[A-Za-z][-+.A-Za-z0-9]*:./.test(text) && URL.canParse(text)
  return absolute || (text.startsWith('/') && URL.canParse(text, 'http://host'))
    ? []
    : [`parse ${JSON.stringify(text)}: invalid URI for request`]
}

const formats: Readonly<Record<string, (text: string) => Complaints>> = {
  dns1123Label: isDns1123Label,
  dns1123Subdomain: isDns1123Subdomain,
  dns1035Label: isDns1035Label,
  qualifiedName: isQualifiedName,
  dns1123LabelPrefix: (text) => nameIsDnsLabel(text, true),
  dns1123SubdomainPrefix: (text) => nameIsDnsSubdomain(text, true),
  dns1035LabelPrefix: (text) => nameIsDns1035Label(text, true),
  labelValue: isLabelValue,
  uri,
  uuid: matching(/^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i, 'does not match the UUID format'),
  byte: matching(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, 'invalid base64'),
  date: (text) => (isDay(text) ? [] : ['invalid date']),
  datetime: (text) => (isDay(time.exec(text)?.[1] ?? '') ? [] : ['invalid datetime']),
}

const formatNamed = (name: string): CelFormat => ({ is: 'format', name })
const optional = (value: CelValue | undefined): CelValue => ({ is: 'optional', value })

export const formatFunctions: Readonly<Record<string, CelFunction>> = {
  ...Object.fromEntries(Object.keys(formats).map((name) => [`format.${name}`, () => formatNamed(name)])),
  'format.named': ([name]) => {
    if (typeof name !== 'string') return noOverload()
    return optional(Object.hasOwn(formats, name) ? formatNamed(name) : undefined)
  },
  /** What is wrong with a text; none where it fits. */
  validate: ([format, text]) => {
    if (!isTagged(format as CelValue, 'format') || typeof text !== 'string') return noOverload()
    const complaints = formats[(format as CelFormat).name]?.(text) ?? []
    return optional(complaints.length > 0 ? complaints : undefined)
  },
}
