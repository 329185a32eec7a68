import { compareQuantities, parseQuantity, quoted, sentAmount, wasSentEmpty } from '@skiff/machinery'
import type { LabelSelector, ObjectReference, PodTemplateSpec, Toleration } from '../generated/types.ts'
import { keysOf } from './faults.ts'

// Upstream's errors print structs, maps and lists with %#v. These are the ones that users meet.

export const goStrings = (list: readonly string[] | undefined, type = 'string'): string =>
  list === undefined || list.length === 0 ? `[]${type}(nil)` : `[]${type}{${list.map(quoted).join(', ')}}`

/** A list of an object: nil, or sent without anything in it. */
export const goStringsOf = <T extends object>(object: T | undefined, field: keyof T & string, type = 'string'): string =>
  wasSentEmpty(object, field) ? `[]${type}{}` : goStrings(object?.[field] as readonly string[] | undefined, type)

/** A map of texts of an object: nil, or sent without anything in it. */
export const goStringMapOf = <T extends object>(object: T | undefined, field: keyof T & string): string =>
  wasSentEmpty(object, field) ? 'map[string]string{}' : goStringMap(object?.[field] as Readonly<Record<string, string>> | undefined)

/** A struct of fields that are Go syntax already, in their order. */
export const goStruct = (type: string, fields: Readonly<Record<string, string>>): string =>
  `${type}{${Object.entries(fields)
    .map(([name, shown]) => `${name}:${shown}`)
    .join(', ')}}`

/** A pointer prints as its address, which says nothing: nil, or some address. */
export const goPointer = (type: string, value: unknown): string => `(*${type})(${value === undefined ? 'nil' : '0xc000000000'})`

export const goStringMap = (map: Readonly<Record<string, string>> | undefined): string =>
  map === undefined
    ? 'map[string]string(nil)'
    : `map[string]string{${keysOf(map)
        .map((key) => `${quoted(key)}:${quoted(map[key] as string)}`)
        .join(', ')}}`

/** The labels of a template, whose metadata go with them when nothing else is there. */
export const goTemplateLabels = (template: PodTemplateSpec | undefined): string =>
  wasSentEmpty(template, 'metadata.labels') ? 'map[string]string{}' : goStringMapOf(template?.metadata, 'labels')

const zeroTime = 'time.Date(1, time.January, 1, 0, 0, 0, 0, time.UTC)'

/** How a template begins: its metadata. What follows has addresses in it, and never is the same twice; `...` stands for it. */
export const goTemplate = (template: PodTemplateSpec | undefined): string => {
  const { name = '', namespace = '', generateName = '' } = template?.metadata ?? {}
  const names = `Name:${quoted(name)}, GenerateName:${quoted(generateName)}, Namespace:${quoted(namespace)}`
  const created = `CreationTimestamp:${zeroTime}, DeletionTimestamp:<nil>, DeletionGracePeriodSeconds:(*int64)(nil)`
  const meta = `${names}, SelfLink:"", UID:"", ResourceVersion:"", Generation:0, ${created}, Labels:${goTemplateLabels(template)}, Annotations:${goStringMapOf(template?.metadata, 'annotations')}`
  return `core.PodTemplateSpec{ObjectMeta:v1.ObjectMeta{${meta}, OwnerReferences:[]v1.OwnerReference(nil), Finalizers:[]string(nil), ManagedFields:[]v1.ManagedFieldsEntry(nil)}, Spec:core.PodSpec{...}}`
}

export const goToleration = ({ key = '', operator, value = '', effect, tolerationSeconds }: Toleration): string =>
  `core.Toleration{Key:${quoted(key)}, Operator:${quoted(operator ?? '')}, Value:${quoted(value)}, Effect:${quoted(effect ?? '')}, TolerationSeconds:${goPointer('int64', tolerationSeconds)}}`

export const goReference = (reference: ObjectReference | undefined): string => {
  const { kind = '', namespace = '', name = '', uid = '', apiVersion = '', resourceVersion = '', fieldPath = '' } = reference ?? {}
  const fields = { Kind: kind, Namespace: namespace, Name: name, UID: uid, APIVersion: apiVersion, ResourceVersion: resourceVersion }
  const shown = Object.entries({ ...fields, FieldPath: fieldPath }).map(([field, text]) => `${field}:${quoted(text)}`)
  return `core.ObjectReference{${shown.join(', ')}}`
}

export const goSelector = (selector: LabelSelector | undefined): string => {
  if (selector === undefined) return '"null"'
  const expressions = selector.matchExpressions?.map(
    (each) =>
      `v1.LabelSelectorRequirement{Key:${quoted(each.key ?? '')}, Operator:${quoted(each.operator ?? '')}, Values:${goStringsOf(each, 'values')}}`,
  )
  const none = wasSentEmpty(selector, 'matchExpressions') ? '{}' : '(nil)'
  const list = `[]v1.LabelSelectorRequirement${expressions?.length ? `{${expressions.join(', ')}}` : none}`
  return `v1.LabelSelector{MatchLabels:${goStringMapOf(selector, 'matchLabels')}, MatchExpressions:${list}}`
}

export const goIntOrString = (value: number | string): string =>
  typeof value === 'number'
    ? `intstr.IntOrString{Type:0, IntVal:${value}, StrVal:""}`
    : `intstr.IntOrString{Type:1, IntVal:0, StrVal:${quoted(value)}}`

const largest = 2n ** 63n

/**
 * An amount of a list, as it was sent: Go remembers the text of a canonical one alone. What is finer than thousandths was rounded, and
 * what takes more than 64 bits, or is a fraction of a binary unit, is held elsewhere. `written`: its text was worked out before.
 */
export const goQuantity = (amounts: Readonly<Record<string, string>> | undefined, name: string, written = false): string => {
  const text = amounts?.[name] ?? '0'
  const given = sentAmount(amounts, name) ?? text
  if (given === '' && text === '0') return goHeld('value:0, scale:0', false, written ? text : '', '')
  // Maps that were filled in from others carry along what was sent there.
  const asSent = given === text || (given !== '' && compareQuantities(given, text) === 0)
  const sent = asSent ? given : text
  const { unscaled, scale, format, text: kept } = parseQuantity(sent)
  const isBig = unscaled >= largest || (format === 'BinarySI' && sent.includes('.'))
  const shown = written || text === '0' ? text : (!isBig && kept) || ''
  return goHeld(isBig ? 'value:0, scale:0' : `value:${unscaled}, scale:${scale}`, isBig, shown, format)
}

const goHeld = (small: string, isBig: boolean, text: string, format: string): string =>
  `resource.Quantity{i:resource.int64Amount{${small}}, d:resource.infDecAmount{Dec:${goPointer('inf.Dec', isBig || undefined)}}, s:${quoted(text)}, Format:${quoted(format)}}`
