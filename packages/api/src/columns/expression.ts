import { formatLabelSelector, type LabelSelector } from '@skiff/machinery'
import type { Cell } from './column.ts'
import { accessModesText, age, boolText, labelsText } from './texts.ts'

/**
 * Compiles the plain cells of the facts: a path with the text for what is absent, a length, an age, a list joined, or a text with
 * paths in it. Undefined for what is told in words; such a cell has a function of its own beside this file.
 */
export const compileCell = (expression: string, type: string): Cell | undefined => {
  const typed = /^(.*?) \((integer|boolean) cell(?: when set)?\)$/.exec(expression)
  const text = typed?.[1] ?? expression
  const kind = typed?.[2] ?? type
  return lengthCell(text) ?? pathCell(text, kind) ?? joinCell(text) ?? callCell(text) ?? templateCell(text)
}

type Read = (object: unknown) => unknown

const pathPattern = /^\.[\w.]+(?:\[\d+\][\w.]*)?$/

/** `.a.b[0].c`; undefined where a step is missing. */
const pathReader = (path: string): Read => {
  const steps = path.split(/[.[\]]+/).filter((step) => step !== '')
  return (object) => {
    let value = object
    for (const step of steps) {
      if (typeof value !== 'object' || value === null) return undefined
      value = (value as Readonly<Record<string, unknown>>)[step]
    }
    return value ?? undefined
  }
}

const emptyOf: Readonly<Record<string, unknown>> = { integer: 0, boolean: false, string: '' }

/** `.a.b // "text"` */
const pathCell = (text: string, type: string): Cell | undefined => {
  const [path = '', fallback] = text.split(' // ')
  if (!pathPattern.test(path)) return undefined
  const read = pathReader(path)
  const otherwise = fallback === undefined ? (emptyOf[type] ?? '') : JSON.parse(fallback)
  const asIs = type === 'integer' || type === 'boolean'
  return (object) => {
    const value = read(object)
    if (value === undefined || value === '') return otherwise
    return asIs ? value : String(value)
  }
}

/** `.a | length`, also the sum of several in brackets. */
const lengthCell = (text: string): Cell | undefined => {
  const terms = text.split(' + ').map((term) => /^\(?(\.[\w.]+) \| length\)?$/.exec(term)?.[1])
  if (terms.length === 0 || terms.some((path) => path === undefined)) return undefined
  const reads = terms.map((path) => pathReader(path as string))
  return (object) => reads.reduce((sum, read) => sum + Object.keys((read(object) as object | undefined) ?? {}).length, 0)
}

/** `[.a.b[].c] join ","` and `.a join ","` */
const joinCell = (text: string): Cell | undefined => {
  const match = /^(?:\[(\.[\w.]+)\[\]\.(\w+)\]|(\.[\w.]+)) join "([^"]*)"(?:, (?:unset|none) ("[^"]*"))?$/.exec(text)
  if (!match) return undefined
  const [, path, member, plain, separator = '', none] = match
  const read = pathReader((path ?? plain) as string)
  const otherwise = none === undefined ? '' : JSON.parse(none)
  return (object) => {
    const list = read(object) as readonly unknown[] | undefined
    if (list === undefined || list.length === 0) return otherwise
    return list.map((each) => (member ? (each as Readonly<Record<string, unknown>>)[member] : each) ?? '').join(separator)
  }
}

const functions: Readonly<Record<string, (value: unknown, nowMs: number) => string>> = {
  age: (value, nowMs) => age(value as string | undefined, nowMs),
  labels: (value) => labelsText(value as Readonly<Record<string, string>> | undefined),
  selector: (value) => formatLabelSelector(value as LabelSelector | undefined),
  boolText: (value) => boolText(value as boolean | undefined),
  accessModes: (value) => accessModesText(value as readonly string[] | undefined),
}

/** `age(.path)`, also with a text for an absent time. */
const callCell = (text: string): Cell | undefined => {
  const match = /^(\w+)\((\.[\w.]+)\)(?:, unset ("[^"]*"))?$/.exec(text)
  const call = functions[match?.[1] ?? '']
  if (!match || !call) return undefined
  const read = pathReader(match[2] as string)
  const unset: string | undefined = match[3] === undefined ? undefined : JSON.parse(match[3])
  return (object, nowMs) => {
    const value = read(object)
    return unset !== undefined && value === undefined ? unset : call(value, nowMs)
  }
}

/** `"{.a}/{.b}"`, also with a text for when the object that holds the first path is absent. */
const templateCell = (text: string): Cell | undefined => {
  const match = /^"((?:[^"{]|\{\.[\w.]+\})*)"(?:, unset ("[^"]*"))?$/.exec(text)
  if (!match) return undefined
  const parts = (match[1] as string).split(/\{(\.[\w.]+)\}/).map((part, index) => (index % 2 === 0 ? () => part : pathReader(part)))
  const unset: string | undefined = match[2] === undefined ? undefined : JSON.parse(match[2])
  const first = /\{(\.[\w.]+)\.\w+\}/.exec(match[1] as string)?.[1]
  const holder = first === undefined ? () => true : pathReader(first)
  return (object) => {
    if (unset !== undefined && holder(object) === undefined) return unset
    return parts.map((part) => part(object) ?? '').join('')
  }
}
