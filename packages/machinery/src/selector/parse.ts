import { summariseErrors } from '../field.ts'
import { compareBytes } from '../json/value.ts'
import { isQualifiedName } from '../names/syntax.ts'
import { binaryOperators, checkRequirement, type LabelOperator, type LabelRequirement } from './requirement.ts'

// The string form of label selectors: app=web,tier in (a,b),!canary,n>3. Grammar, tolerances and texts are upstream's.

type Kind = 'error' | 'end' | 'identifier' | '(' | ')' | ',' | '!' | '=' | '==' | '!=' | '>' | '<' | 'in' | 'notin'
interface Token {
  readonly kind: Kind
  readonly text: string
}

const special = '=!(),><'
const space = ' \t\r\n'
const symbols: ReadonlySet<string> = new Set(['(', ')', ',', '!', '=', '==', '!=', '>', '<'])

const tokens = (text: string): Token[] => {
  const list: Token[] = []
  let at = 0
  for (;;) {
    while (at < text.length && space.includes(text[at] as string)) at++
    // Upstream's lexer takes a NUL for the end.
    if (at >= text.length || text[at] === '\0') {
      list.push({ kind: 'end', text: '' })
      return list
    }
    const from = at
    if (special.includes(text[at] as string)) {
      at++
      while (at < text.length && symbols.has(text.slice(from, at + 1))) at++
      const symbol = text.slice(from, at)
      list.push({ kind: symbol as Kind, text: symbol })
    } else {
      while (at < text.length && !special.includes(text[at] as string) && !space.includes(text[at] as string) && text[at] !== '\0') at++
      const word = text.slice(from, at)
      list.push({ kind: word === 'in' || word === 'notin' ? word : 'identifier', text: word })
    }
  }
}

interface Parser {
  readonly tokens: readonly Token[]
  at: number
}

const end: Token = { kind: 'end', text: '' }
/** The next token; `in` and `notin` are operators only where one is expected. */
const peek = (parser: Parser, operator = false): Token => {
  const token = parser.tokens[parser.at] ?? end
  return !operator && (token.kind === 'in' || token.kind === 'notin') ? { kind: 'identifier', text: token.text } : token
}
const take = (parser: Parser, operator = false): Token => {
  const token = peek(parser, operator)
  parser.at++
  return token
}
const unexpected = ({ text }: Token, expected: string): Error => new Error(`found '${text}', expected: ${expected}`)

/** Reads a label selector into requirements sorted by key; throws upstream's texts. */
export const parseLabelRequirements = (text: string): LabelRequirement[] => {
  const parser: Parser = { tokens: tokens(text), at: 0 }
  const requirements: LabelRequirement[] = []
  for (;;) {
    const first = peek(parser)
    if (first.kind === 'end') return sorted(requirements)
    if (first.kind !== 'identifier' && first.kind !== '!') throw unexpected(first, "!, identifier, or 'end of string'")
    requirements.push(requirement(parser))
    const next = take(parser)
    if (next.kind === 'end') return sorted(requirements)
    if (next.kind !== ',') throw unexpected(next, "',' or 'end of string'")
    const after = peek(parser)
    if (after.kind !== 'identifier' && after.kind !== '!') throw unexpected(after, "identifier after ','")
  }
}

const sorted = (requirements: LabelRequirement[]): LabelRequirement[] => requirements.sort((a, b) => compareBytes(a.key, b.key))

const requirement = (parser: Parser): LabelRequirement => {
  try {
    const made = readRequirement(parser)
    const errors = checkRequirement(made)
    if (errors.length > 0) throw new Error(summariseErrors(errors))
    return made
  } catch (error) {
    throw new Error(`unable to parse requirement: ${(error as Error).message}`)
  }
}

const readRequirement = (parser: Parser): LabelRequirement => {
  const negated = peek(parser).kind === '!'
  if (negated) parser.at++
  const name = take(parser)
  if (name.kind !== 'identifier') throw unexpected(name, 'identifier')
  const complaints = isQualifiedName(name.text)
  // A path of nothing is printed so.
  if (complaints.length > 0) throw new Error(`<nil>: Invalid value: ${JSON.stringify(name.text)}: ${complaints.join('; ')}`)
  const next = peek(parser)
  // A negation is complete here, whatever follows: an operator after it is the caller's complaint.
  if (negated) return { key: name.text, operator: '!', values: [] }
  if (next.kind === 'end' || next.kind === ',') return { key: name.text, operator: 'exists', values: [] }
  const operator = operatorOf(take(parser, true))
  const values = operator === 'in' || operator === 'notin' ? valueList(parser) : [exactValue(parser)]
  return { key: name.text, operator, values: [...new Set(values)].sort(compareBytes) }
}

const operatorOf = (token: Token): LabelOperator => {
  switch (token.kind) {
    case 'in':
    case 'notin':
    case '=':
    case '==':
    case '!=':
      return token.kind
    case '>':
      return 'gt'
    case '<':
      return 'lt'
    default:
      throw unexpected(token, binaryOperators.join(', '))
  }
}

/** `(a,b)`; nothing between commas and parentheses is the empty value. */
const valueList = (parser: Parser): string[] => {
  const open = take(parser)
  if (open.kind !== '(') throw new Error(`found '${open.text}' expected: '('`)
  const first = peek(parser)
  if (first.kind === ')') {
    parser.at++
    return ['']
  }
  if (first.kind !== 'identifier' && first.kind !== ',') throw unexpected(first, "',', ')' or identifier")
  const values = identifiers(parser)
  const close = take(parser)
  if (close.kind !== ')') throw unexpected(first, "')'")
  return values
}

const identifiers = (parser: Parser): string[] => {
  const values: string[] = []
  for (;;) {
    const token = take(parser)
    if (token.kind === 'identifier') {
      values.push(token.text)
      const next = peek(parser)
      if (next.kind === ')') return values
      if (next.kind !== ',') throw unexpected(next, "',' or ')'")
    } else if (token.kind === ',') {
      if (values.length === 0) values.push('')
      const next = peek(parser)
      if (next.kind === ')') return [...values, '']
      if (next.kind === ',') {
        parser.at++
        values.push('')
      }
    } else throw unexpected(token, "',', or identifier")
  }
}

const exactValue = (parser: Parser): string => {
  const next = peek(parser)
  if (next.kind === 'end' || next.kind === ',') return ''
  parser.at++
  if (next.kind !== 'identifier') throw unexpected(next, 'identifier')
  return next.text
}
