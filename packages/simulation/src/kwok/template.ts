import { compileGoTemplate, type Json, loadYaml, type TemplateFunction } from '@skiff/machinery'

/** A compiled template: the text that it makes of an object, and the value that this text is as YAML. */
export interface Template {
  text(object: unknown): string
  value(object: unknown): Json
}

/** Compiles a template once; `name` stands in complaints. Throws text/template's. */
export const compileTemplate = (source: string, name: string, functions: ReadonlyMap<string, TemplateFunction>): Template => {
  const template = compileGoTemplate(source, name, functions)
  const text = (object: unknown): string => template.print(object as Json)
  return { text, value: (object) => loadYaml(text(object)).value }
}
