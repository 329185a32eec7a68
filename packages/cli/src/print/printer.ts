import { readFileSync } from 'node:fs'
import {
  compileGoTemplate,
  compileJsonPath,
  dumpYaml,
  encodeSortedJson,
  goText,
  isJsonArray,
  type Json,
  type JsonObject,
  relaxJsonPath,
  splitApiVersion,
} from '@skiff/machinery'
import { type Dynamic, listAt, textAt } from '../objects/fields.ts'
import { fullName } from '../objects/info.ts'
import { UsageError } from '../usage-error.ts'
import { alignRows } from './tab-writer.ts'

/** Prints whole objects, or lists of them, in the form that -o names. */
export type ObjectPrinter = (object: JsonObject) => string

export interface PrinterOptions {
  readonly showManagedFields?: boolean
  /** What -o name adds: `created`. */
  readonly operation?: string
  /** Columns without their headers. */
  readonly noHeaders?: boolean
  /** The forms that are offered, where they are not all. */
  readonly forms?: string
}

export const outputForms =
  'custom-columns,custom-columns-file,go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,name,template,templatefile,wide,yaml'

const withoutManagedFields = (object: JsonObject): JsonObject => {
  const { metadata } = object
  const items = object.items
  return {
    ...object,
    ...(typeof metadata === 'object' && metadata !== null ? { metadata: unmanaged(metadata as JsonObject) } : {}),
    ...(isJsonArray(items) ? { items: items.map((item) => withoutManagedFields(item as JsonObject)) } : {}),
  }
}
const unmanaged = ({ managedFields: _managed, ...rest }: JsonObject): JsonObject => rest

const splitOutput = (output: string): [form: string, template: string | undefined] => {
  const at = output.indexOf('=')
  return at < 0 ? [output, undefined] : [output.slice(0, at), output.slice(at + 1)]
}

/** The printer of an -o value; undefined for what is no form of whole objects (wide and nothing). Throws for unknown ones. */
export const printerOf = (output: string | undefined, options: PrinterOptions = {}): ObjectPrinter | undefined => {
  if (output === undefined || output === '' || output === 'wide') return undefined
  const [form, template] = splitOutput(output)
  const print = printing(form, template, options)
  return (object) => print((options.showManagedFields ? object : withoutManagedFields(object)) as JsonObject)
}

const templateNeeded = (template: string | undefined): string => {
  if (template) return template
  throw new UsageError(`template format specified but no template given`)
}

const printing = (form: string, template: string | undefined, options: PrinterOptions): ObjectPrinter => {
  switch (form) {
    case 'json':
      return (object) => `${encodeSortedJson(object, '    ')}\n`
    case 'yaml':
      return yamlPrinter()
    case 'name':
      return (object) =>
        itemsOf(object)
          .map((item) => `${nameOf(item)}${options.operation ? ` ${options.operation}` : ''}\n`)
          .join('')
    case 'jsonpath':
      return jsonPathPrinter(templateNeeded(template), false)
    case 'jsonpath-as-json':
      return jsonPathPrinter(templateNeeded(template), true)
    case 'jsonpath-file':
      return jsonPathPrinter(readFileSync(templateNeeded(template), 'utf8'), false)
    case 'custom-columns':
      return columnsPrinter(customColumns(template), options)
    case 'custom-columns-file':
      return columnsPrinter(columnsOfFile(readFileSync(templateNeeded(template), 'utf8')), options)
    case 'go-template':
    case 'template':
      return goTemplatePrinter(templateNeeded(template))
    case 'go-template-file':
    case 'templatefile':
      return goTemplatePrinter(readFileSync(templateNeeded(template), 'utf8'))
    default:
      throw new UsageError(
        `unable to match a printer suitable for the output format ${JSON.stringify(form)}, allowed formats are: ${options.forms ?? outputForms}`,
      )
  }
}

export const itemsOf = (object: JsonObject): readonly Dynamic[] =>
  isJsonArray(object.items) && textAt(object, 'kind').endsWith('List')
    ? (listAt(object, 'items') as unknown as readonly Dynamic[])
    : [object as Dynamic]

const nameOf = (object: JsonObject): string =>
  fullName({ kind: textAt(object, 'kind'), group: splitApiVersion(textAt(object, 'apiVersion')).group }, textAt(object, 'metadata.name'))

const jsonPathPrinter = (template: string, asJson: boolean): ObjectPrinter => {
  try {
    const path = compileJsonPath(template, { allowMissingKeys: true, asJson })
    return (object) => path.print(object)
  } catch (error) {
    throw new UsageError(`error parsing jsonpath ${template}, ${(error as Error).message}`)
  }
}

/** Documents that follow another begin with `---`. */
const yamlPrinter = (): ObjectPrinter => {
  let printed = 0
  return (object) => {
    printed += 1
    return `${printed > 1 ? '---\n' : ''}${dumpYaml(object)}`
  }
}

const goTemplatePrinter = (template: string): ObjectPrinter => {
  let compiled: ReturnType<typeof compileGoTemplate>
  try {
    compiled = compileGoTemplate(template)
  } catch (error) {
    throw new UsageError(`error parsing template ${template}, ${(error as Error).message}`)
  }
  return (object) => {
    try {
      return compiled.print(object)
    } catch (error) {
      throw new UsageError(`error executing template ${JSON.stringify(template)}: ${(error as Error).message}`)
    }
  }
}

interface Column {
  readonly header: string
  readonly path: string
}

const customColumns = (template: string | undefined): Column[] => {
  if (!template) throw new UsageError('custom-columns format specified but no custom columns given')
  return template.split(',').map((part) => {
    const colon = part.indexOf(':')
    if (colon < 0) throw new UsageError(`unexpected custom-columns spec: ${part}, expected <header>:<json-path-expr>`)
    return { header: part.slice(0, colon), path: part.slice(colon + 1) }
  })
}

const columnsOfFile = (text: string): Column[] => {
  const [headers = '', paths = ''] = text.split('\n')
  const all = paths.trim().split(/\s+/)
  return headers
    .trim()
    .split(/\s+/)
    .map((header, i) => ({ header, path: all[i] ?? '' }))
}

const columnsPrinter = (columns: readonly Column[], { noHeaders }: PrinterOptions): ObjectPrinter => {
  const compiled = columns.map(({ path }) => compileJsonPath(relaxJsonPath(path), { allowMissingKeys: true }))
  return (object) => {
    const rows = itemsOf(object).map((item) =>
      compiled.map((path) => {
        const found = path.find(item).flat()
        return found.length === 0 ? '<none>' : found.map(cellText).join(',')
      }),
    )
    return alignRows(noHeaders ? rows : [columns.map(({ header }) => header), ...rows])
  }
}

/** A value in a column, in the form of Go's %v. */
const cellText = (value: Json): string => (value === null ? '<none>' : goText(value))

/** kubectl's List around several objects. */
export const listOf = (items: readonly JsonObject[]): JsonObject => ({
  apiVersion: 'v1',
  items,
  kind: 'List',
  metadata: { resourceVersion: '' },
})
