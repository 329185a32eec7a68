import { type CelToken, lexCel, literalText, syntaxError } from './lex.ts'
import { CelError, type CelValue } from './value.ts'

/** `at`: where upstream says that the node stands: operators by themselves, calls by their parenthesis. */
export type CelNode = { readonly at: number } & CelShape

type CelShape =
  | { readonly is: 'literal'; readonly value: CelValue }
  | { readonly is: 'name'; readonly name: string }
  | { readonly is: 'select'; readonly of: CelNode; readonly field: string; readonly optional: boolean }
  | { readonly is: 'index'; readonly of: CelNode; readonly index: CelNode; readonly optional: boolean }
  | { readonly is: 'call'; readonly name: string; readonly target: CelNode | undefined; readonly args: readonly CelNode[] }
  | { readonly is: 'list'; readonly items: readonly CelNode[] }
  | { readonly is: 'map'; readonly entries: readonly (readonly [CelNode, CelNode])[] }
  | { readonly is: 'and' | 'or'; readonly left: CelNode; readonly right: CelNode }
  | { readonly is: 'if'; readonly test: CelNode; readonly then: CelNode; readonly otherwise: CelNode }
  | { readonly is: 'binary'; readonly operator: string; readonly left: CelNode; readonly right: CelNode }
  | { readonly is: 'not' | 'minus'; readonly of: CelNode }

const deepest = 250
/** Nodes of a tree that grows to the left, such as a sum: what evaluates it calls itself as often. */
const longest = 1000
const tooDeep = (): CelError => new CelError('expression recursion limit exceeded: 250')
/** What an expression may begin with, in the words of upstream's parser. */
const expressionStart = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
const reserved = new Set('as break const continue else for function if import let loop package namespace return var void while'.split(' '))

/** Reads an expression; throws a CelError with the place of what is wrong. */
export const parseCel = (source: string): CelNode => {
  const tokens = lexCel(source)
  let at = 0
  let depth = 0
  // The last token is the end, which nothing goes beyond.
  const peek = (): CelToken => tokens[at] as CelToken
  const isMark = (...marks: string[]): boolean => peek().kind === 'mark' && marks.includes(peek().text)
  const take = (): CelToken => tokens[at < tokens.length - 1 ? at++ : at] as CelToken
  const unexpected = ({ kind, text, at }: CelToken): CelError =>
    syntaxError(
      source,
      at,
      kind === 'end' ? `mismatched input '<EOF>' expecting ${expressionStart}` : `extraneous input '${text}' expecting ${expressionStart}`,
    )
  const expect = (mark: string): void => {
    if (!isMark(mark)) throw syntaxError(source, peek().at, `missing '${mark}' at '${peek().text}'`)
    at++
  }

  const expression = (): CelNode => {
    if (++depth > deepest) throw tooDeep()
    const test = or()
    let node = test
    if (isMark('?')) {
      const place = take().at
      const then = or()
      expect(':')
      node = { is: 'if', at: place, test, then, otherwise: expression() }
    }
    depth--
    return node
  }
  let chained = 0
  const chain = (): void => {
    if (++chained > longest) throw tooDeep()
  }
  const or = (): CelNode => {
    let left = and()
    while (isMark('||')) {
      const place = take().at
      chain()
      left = { is: 'or', at: place, left, right: and() }
    }
    return left
  }
  const and = (): CelNode => {
    let left = relation()
    while (isMark('&&')) {
      const place = take().at
      chain()
      left = { is: 'and', at: place, left, right: relation() }
    }
    return left
  }
  const binary = (inner: () => CelNode, here: () => boolean) => (): CelNode => {
    let left = inner()
    while (here()) {
      const { text: operator, at: place } = take()
      chain()
      left = { is: 'binary', at: place, operator, left, right: inner() }
    }
    return left
  }
  const unary = (): CelNode => {
    if (isMark('!', '-')) {
      const { text, at: place } = take()
      chain()
      const next = peek()
      if (text === '-' && (next.kind === 'int' || next.kind === 'double')) {
        const node = member()
        return node.is === 'literal' ? { is: 'literal', at: place, value: negated(node.value) } : { is: 'minus', at: place, of: node }
      }
      return { is: text === '!' ? 'not' : 'minus', at: place, of: unary() }
    }
    return member()
  }
  const product = binary(unary, () => isMark('*', '/', '%'))
  const sum = binary(product, () => isMark('+', '-'))
  const relation = binary(sum, () => isMark('<', '<=', '>', '>=', '==', '!=') || (peek().kind === 'word' && peek().text === 'in'))

  const member = (): CelNode => {
    let node = primary()
    for (;;) {
      if (isMark('.', '.?')) {
        chain()
        const { text, at: place } = take()
        const optional = text === '.?'
        const name = fieldName()
        if (!optional && isMark('(')) node = { is: 'call', at: peek().at, name, target: node, args: args() }
        else node = { is: 'select', at: place, of: node, field: name, optional }
      } else if (isMark('[', '[?')) {
        chain()
        const { text, at: place } = take()
        const optional = text === '[?'
        const index = expression()
        expect(']')
        node = { is: 'index', at: place, of: node, index, optional }
      } else return node
    }
  }
  const fieldName = (): string => {
    const token = take()
    if (token.kind !== 'word') throw unexpected(token)
    return token.text.startsWith('`') ? token.text.slice(1, -1) : token.text
  }
  const listed = (end: string): CelNode[] => {
    const items: CelNode[] = []
    while (!isMark(end)) {
      items.push(expression())
      if (!isMark(',')) break
      at++
    }
    expect(end)
    return items
  }
  const args = (): CelNode[] => {
    expect('(')
    return listed(')')
  }
  const mapEntries = (): (readonly [CelNode, CelNode])[] => {
    const entries: (readonly [CelNode, CelNode])[] = []
    while (!isMark('}')) {
      const key = expression()
      expect(':')
      entries.push([key, expression()])
      if (!isMark(',')) break
      at++
    }
    expect('}')
    return entries
  }
  const primary = (): CelNode => {
    const token = take()
    switch (token.kind) {
      case 'int':
        return { is: 'literal', at: token.at, value: BigInt(token.text) }
      case 'uint':
        return { is: 'literal', at: token.at, value: { is: 'uint', value: BigInt(token.text.slice(0, -1)) } }
      case 'double':
        return { is: 'literal', at: token.at, value: Number(token.text) }
      case 'string':
        return { is: 'literal', at: token.at, value: literalText(token.text) }
      case 'bytes':
        return { is: 'literal', at: token.at, value: Uint8Array.from(Buffer.from(literalText(token.text))) }
      case 'word':
        return word(token)
      case 'mark':
        if (token.text === '(') {
          const node = expression()
          expect(')')
          return node
        }
        if (token.text === '[') return { is: 'list', at: token.at, items: listed(']') }
        if (token.text === '{') return { is: 'map', at: token.at, entries: mapEntries() }
        if (token.text === '.' && peek().kind === 'word') return word(take())
    }
    throw unexpected(token)
  }
  const word = (token: CelToken): CelNode => {
    const { text } = token
    if (text === 'true' || text === 'false') return { is: 'literal', at: token.at, value: text === 'true' }
    if (text === 'null') return { is: 'literal', at: token.at, value: null }
    if (reserved.has(text)) throw syntaxError(source, token.at, `reserved identifier: ${text}`)
    return isMark('(')
      ? { is: 'call', at: peek().at, name: text, target: undefined, args: args() }
      : { is: 'name', at: token.at, name: text }
  }

  const node = expression()
  if (peek().kind !== 'end') throw syntaxError(source, peek().at, `extraneous input '${peek().text}' expecting <EOF>`)
  return node
}

const negated = (value: CelValue): CelValue => (typeof value === 'bigint' || typeof value === 'number' ? -value : value)

/** Whether an expression speaks of a variable. */
export const mentions = (node: CelNode, name: string): boolean => {
  if (node.is === 'name') return node.name === name
  return childrenOf(node).some((child) => mentions(child, name))
}

const childrenOf = (node: CelNode): readonly CelNode[] => {
  switch (node.is) {
    case 'select':
    case 'not':
    case 'minus':
      return [node.of]
    case 'index':
      return [node.of, node.index]
    case 'call':
      return node.target ? [node.target, ...node.args] : node.args
    case 'list':
      return node.items
    case 'map':
      return node.entries.flat()
    case 'and':
    case 'or':
    case 'binary':
      return [node.left, node.right]
    case 'if':
      return [node.test, node.then, node.otherwise]
    default:
      return []
  }
}

/** Shows a tree's nodes to a function, outer ones first. */
export const visit = (node: CelNode, see: (node: CelNode) => void): void => {
  see(node)
  for (const child of childrenOf(node)) visit(child, see)
}
