import { isJsonArray, isJsonObject, type Json, sortedKeys } from '../json/value.ts'
import { type TemplateFunction, templateArity, templateFunctionNames, templateFunctions } from './functions.ts'
import { TemplateSyntaxError } from './lex.ts'
import { type Node, type Operand, type Pipe, parseTemplate, type Template } from './parse.ts'
import { isList, isMap, isTrue, typeText, type Value, valueText } from './value.ts'

export interface GoTemplate {
  /** The output for an object; throws with text/template's texts. */
  print(data: Json): string
}

/** Compiles a template of Go's text/template with kubectl's functions, and `more`. `name` stands in complaints. */
export const compileGoTemplate = (source: string, name = 'output', more: ReadonlyMap<string, TemplateFunction> = new Map()): GoTemplate => {
  const template = parsed(source, name, more)
  return {
    print: (data) => {
      const dot = asGo(data)
      const run: Run = { template, name, more, out: [], scope: [['$', dot]], depth: 0 }
      walk(run, template.root, dot)
      return run.out.join('')
    },
  }
}

const parsed = (source: string, name: string, more: ReadonlyMap<string, TemplateFunction>): Template => {
  try {
    return parseTemplate(source, more.size === 0 ? templateFunctionNames : new Set([...templateFunctionNames, ...more.keys()]))
  } catch (error) {
    if (!(error instanceof TemplateSyntaxError)) throw error
    const line = source.slice(0, error.at).split('\n').length
    throw new Error(`template: ${name}:${line}: ${error.message}`)
  }
}

/** Go's decoder makes doubles of all numbers here. */
const asGo = (value: Json): Value => {
  if (typeof value === 'bigint') return Number(value)
  if (isJsonArray(value)) return value.map(asGo)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, asGo(each as Json)]))
}

interface Run {
  readonly template: Template
  readonly name: string
  readonly more: ReadonlyMap<string, TemplateFunction>
  readonly out: string[]
  /** Variables, innermost last. */
  readonly scope: [string, Value][]
  depth: number
}

const maxDepth = 1000

const fault = ({ template: { source }, name }: Run, at: number, what: string, message: string): Error => {
  const before = source.slice(0, at)
  const line = before.split('\n').length
  const column = at - (before.lastIndexOf('\n') + 1)
  return new Error(`template: ${name}:${line}:${column}: executing ${JSON.stringify(name)} at <${what}>: ${message}`)
}

/** How a list of nodes ended: a `break` or `continue` is the surrounding range's. */
type Ending = 'break' | 'continue' | undefined

const walk = (run: Run, nodes: readonly Node[], dot: Value): Ending => {
  for (const node of nodes) {
    const ending = walkOne(run, node, dot)
    if (ending) return ending
  }
  return undefined
}

const walkOne = (run: Run, node: Node, dot: Value): Ending => {
  switch (node.kind) {
    case 'text':
      run.out.push(node.text)
      return undefined
    case 'action': {
      const value = pipeValue(run, node.pipe, dot)
      if (node.pipe.variables.length === 0) run.out.push(value === undefined || value === null ? '<no value>' : valueText(value))
      return undefined
    }
    case 'break':
    case 'continue':
      return node.kind
    case 'template':
      callTemplate(run, node, dot)
      return undefined
    default:
      return scoped(run, () => {
        const value = pipeValue(run, node.pipe, dot)
        if (node.kind === 'range') return loop(run, node, value, dot)
        if (isTrue(value)) return walk(run, node.body, node.kind === 'with' ? value : dot)
        return walk(run, node.otherwise, dot)
      })
  }
}

const scoped = <T>(run: Run, act: () => T): T => {
  const mark = run.scope.length
  const result = act()
  run.scope.length = mark
  return result
}

const loop = (run: Run, node: Extract<Node, { pipe: Pipe; body: readonly Node[] }>, value: Value, dot: Value): Ending => {
  const entries: [Value, Value][] = isList(value)
    ? value.map((each, i) => [BigInt(i), each])
    : isMap(value)
      ? sortedKeys(value).map((key) => [key, value[key]])
      : value === undefined || value === null
        ? []
        : raise(pipeFault(run, node.pipe, `range can't iterate over ${valueText(value)}`))
  const { variables, assigns } = node.pipe
  for (const [key, each] of entries) {
    const ending = scoped(run, () => {
      // One variable gets the element; two get the place and the element.
      for (const [i, name] of variables.entries()) setVariable(run, name, variables.length === 2 && i === 0 ? key : each, assigns)
      return walk(run, node.body, each)
    })
    if (ending === 'break') break
  }
  return entries.length === 0 ? walk(run, node.otherwise, dot) : undefined
}

const raise = (error: Error): never => {
  throw error
}
const pipeFault = (run: Run, pipe: Pipe, message: string): Error => {
  const first = pipe.commands[0]?.[0]
  return fault(run, first?.at ?? 0, pipe.commands.map((each) => each.map(({ source }) => source).join(' ')).join(' | '), message)
}

const setVariable = (run: Run, name: string, value: Value, assigns: boolean): void => {
  const existing = assigns ? run.scope.findLast(([each]) => each === name) : undefined
  if (existing) existing[1] = value
  else run.scope.push([name, value])
}

const callTemplate = (run: Run, node: Extract<Node, { kind: 'template' }>, dot: Value): void => {
  const body = run.template.defined.get(node.name)
  if (!body) throw fault(run, node.at, `{{template ${JSON.stringify(node.name)}}}`, `template ${JSON.stringify(node.name)} not defined`)
  if (++run.depth > maxDepth)
    throw fault(run, node.at, `{{template ${JSON.stringify(node.name)}}}`, `exceeded maximum template depth (${maxDepth})`)
  const value = node.pipe ? pipeValue(run, node.pipe, dot) : undefined
  walk({ ...run, scope: [['$', value]] }, body, value)
  run.depth--
}

const pipeValue = (run: Run, pipe: Pipe, dot: Value): Value => {
  let value: Value
  pipe.commands.forEach((command, i) => {
    value = commandValue(run, command, dot, i > 0 ? [value] : [])
  })
  const { variables, assigns } = pipe
  // A range sets its variables itself, for each element.
  for (const name of variables) setVariable(run, name, value, assigns)
  return value
}

const commandValue = (run: Run, [first, ...rest]: readonly Operand[], dot: Value, piped: readonly Value[]): Value => {
  const head = first as Operand
  if (head.of.kind === 'function') return callFunction(run, head, head.of.name, rest, dot, piped)
  if (rest.length + piped.length > 0) throw fault(run, head.at, head.source, givenArguments(head))
  if (head.of.kind === 'nil') throw fault(run, head.at, 'nil', 'nil is not a command')
  return operandValue(run, head, dot)
}

const givenArguments = ({ of, source }: Operand): string => {
  const field = of.kind === 'field' || of.kind === 'variable' || of.kind === 'pipe' ? of.names.at(-1) : undefined
  return field ? `${field} is not a method but has arguments` : `can't give argument to non-function ${source}`
}

const callFunction = (run: Run, head: Operand, name: string, rest: readonly Operand[], dot: Value, piped: readonly Value[]): Value => {
  checkArity(run, head, name, rest.length + piped.length)
  if (name === 'and' || name === 'or') {
    let value: Value
    for (const each of [...rest.map((operand) => () => operandValue(run, operand, dot)), ...piped.map((last) => () => last)]) {
      value = each()
      if (isTrue(value) === (name === 'or')) return value
    }
    return value
  }
  const values = [...rest.map((operand) => operandValue(run, operand, dot)), ...piped]
  if (name === 'printf' && typeof values[0] !== 'string') throw formatFault(run, rest[0] ?? head, values[0])
  const act = run.more.get(name) ?? templateFunctions.get(name)
  try {
    if (!act) throw new Error('call of nil')
    return act(values)
  } catch (error) {
    throw fault(run, head.at, [head, ...rest].map(({ source }) => source).join(' '), `error calling ${name}: ${(error as Error).message}`)
  }
}

const checkArity = (run: Run, head: Operand, name: string, count: number): void => {
  const wanted = Object.hasOwn(templateArity, name) ? templateArity[name] : undefined
  if (wanted === undefined || (wanted < 0 ? count >= -wanted : count === wanted)) return
  const want = wanted < 0 ? `at least ${-wanted}` : wanted
  throw fault(run, head.at, name, `wrong number of args for ${name}: want ${want} got ${count}`)
}

const formatFault = (run: Run, operand: Operand, value: Value): Error =>
  fault(
    run,
    operand.at,
    operand.source,
    value === undefined || value === null
      ? 'invalid value; expected string'
      : `wrong type for value; expected string; got ${typeText(value)}`,
  )

const operandValue = (run: Run, operand: Operand, dot: Value): Value => {
  const { of } = operand
  switch (of.kind) {
    case 'dot':
      return dot
    case 'nil':
      return null
    case 'literal':
      return of.value
    case 'field':
      return fieldsOf(run, operand, dot, of.names)
    case 'variable':
      return fieldsOf(run, operand, run.scope.findLast(([name]) => name === of.name)?.[1], of.names)
    case 'pipe':
      return fieldsOf(run, operand, pipeValue(run, of.pipe, dot), of.names)
    case 'function':
      return callFunction(run, operand, of.name, [], dot, [])
  }
}

const fieldsOf = (run: Run, operand: Operand, from: Value, names: readonly string[]): Value => {
  let value = from
  for (const name of names) {
    if (value === undefined) return undefined
    if (value === null) throw fault(run, operand.at, operand.source, `nil pointer evaluating interface {}.${name}`)
    if (!isMap(value)) {
      const type = value === from && operand.of.kind !== 'pipe' ? typeText(value) : 'interface {}'
      throw fault(run, operand.at, operand.source, `can't evaluate field ${name} in type ${type}`)
    }
    value = Object.hasOwn(value, name) ? value[name] : undefined
  }
  return value
}
