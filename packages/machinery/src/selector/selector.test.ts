import { expect, test } from 'vitest'
import { errorText } from '../field.ts'
import { seededRandom } from '../seeded.ts'
import { escapeFieldValue, parseFieldSelector } from './field.ts'
import {
  compileLabelSelector,
  formatLabelSelector,
  parseLabelSelector,
  selectNothing,
  selectorFromLabels,
  validateLabelSelector,
} from './label.ts'

const labels = { app: 'web', tier: 'front', n: '5', '10': 'x', empty: '' }

test.each([
  ['', '', true],
  ['app=web', 'app=web', true],
  ['app==web', 'app==web', true],
  ['app!=web', 'app!=web', false],
  ['absent!=web', 'absent!=web', true],
  ['tier in (back, front)', 'tier in (back,front)', true],
  ['tier notin (front)', 'tier notin (front)', false],
  ['absent notin (a)', 'absent notin (a)', true],
  ['app', 'app', true],
  ['!app', '!app', false],
  ['!absent', '!absent', true],
  ['n>4', 'n>4', true],
  ['n<5', 'n<5', false],
  ['app>1', 'app>1', false],
  ['empty=', 'empty=', true],
  ['empty in ()', 'empty in ()', true],
  ['x in (,a)', 'x in (,a)', false],
  ['tier=front, app in (web)', 'app in (web),tier=front', true],
  ['10=x', '10=x', true],
  ['constructor', 'constructor', false],
  ['!constructor', '!constructor', true],
  ['constructor=web', 'constructor=web', false],
  ['in in (in)', 'in in (in)', false],
])('%s', (text, canonical, matches) => {
  const selector = parseLabelSelector(text)
  expect(selector.toString()).toBe(canonical)
  expect(selector.matches(labels)).toBe(matches)
})

test.each([
  ['app=', undefined, false],
  ['!app', undefined, true],
  ['app!=a', undefined, true],
  ['app notin (a)', undefined, true],
  ['app in (a)', undefined, false],
  ['app', undefined, false],
])('%s of an object without labels', (text, none, matches) => expect(parseLabelSelector(text).matches(none)).toBe(matches))

const key =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
test.each([
  ['app=a,', "found '', expected: identifier after ','"],
  [',', "found ',', expected: !, identifier, or 'end of string'"],
  ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
  ['a in b', "unable to parse requirement: found 'b' expected: '('"],
  ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
  ['a=(', "unable to parse requirement: found '(', expected: identifier"],
  ['!', "unable to parse requirement: found '', expected: identifier"],
  ['!a=b', "found '=', expected: ',' or 'end of string'"],
  ['a=b c', "found 'c', expected: ',' or 'end of string'"],
  ['__proto__', `unable to parse requirement: <nil>: Invalid value: "__proto__": ${key}`],
  ['a>x', "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be an integer"],
  ['a=-', 'unable to parse requirement: values[0][a]: Invalid value: "-": a valid label must be an empty string or consist of'],
])('complaint about %s', (text, message) => expect(() => parseLabelSelector(text)).toThrow(message))

test('a LabelSelector', () => {
  const selector = compileLabelSelector({
    matchLabels: { tier: 'front', app: 'web' },
    matchExpressions: [
      { key: 'n', operator: 'In', values: ['6', '5'] },
      { key: 'zone', operator: 'DoesNotExist' },
    ],
  })
  expect(selector.toString()).toBe('app=web,n in (5,6),tier=front,!zone')
  expect([labels, { ...labels, zone: 'z' }, undefined].map(selector.matches)).toEqual([true, false, false])
  expect(compileLabelSelector(undefined)).toBe(selectNothing)
  expect([compileLabelSelector({}).matches(undefined), selectNothing.matches(labels)]).toEqual([true, false])
  expect([formatLabelSelector({}), formatLabelSelector({ matchExpressions: [{ key: 'a', operator: 'x' }] })]).toEqual(['<none>', '<error>'])
  expect(selectorFromLabels({ b: '1', a: '2' }).toString()).toBe('a=2,b=1')
})

test('validation of a LabelSelector', () => {
  const errors = validateLabelSelector(
    {
      matchLabels: { a: '-' },
      matchExpressions: [
        { key: 'a', operator: 'In', values: [] },
        { key: 'a', operator: 'Exists', values: ['x'] },
        { key: '__proto__', operator: 'Like' },
      ],
    },
    'spec.selector',
  ).map(errorText)
  expect(errors.map((each) => each.replace(/ (must|a valid).*/, ''))).toEqual([
    'spec.selector.matchLabels: Invalid value: "-":',
    'spec.selector.matchExpressions[0].values: Required value:',
    "spec.selector.matchExpressions[1].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
    'spec.selector.matchExpressions[2].operator: Invalid value: "Like": not',
    'spec.selector.matchExpressions[2].key: Invalid value: "__proto__": name part',
  ])
})

test.each([
  ['a=b', 'a=b', true],
  ['a==b,c!=d', 'a=b,c!=d', true],
  ['a!=b', 'a!=b', false],
  ['c=', 'c=', true],
  ['=', '', true],
  ['a=b\\,c', 'a=b\\,c', false],
  ['__proto__=', '__proto__=', true],
])('field selector %s', (text, canonical, matches) => {
  const selector = parseFieldSelector(text)
  expect(selector.toString()).toBe(canonical)
  expect(selector.matches((field) => (field === 'a' ? 'b' : ''))).toBe(matches)
})

test.each([
  ['a', "invalid selector: 'a'; can't understand 'a'"],
  ['b=c,a', "invalid selector: 'b=c,a'; can't understand 'a'"],
  ['a=b=c', 'invalid field selector: unescaped character in value: 61'],
  ['a=\\x', 'invalid field selector: invalid escape sequence: \\x'],
  ['a=\\', 'invalid field selector: invalid escape sequence: \\'],
])('complaint about field selector %s', (text, message) => expect(() => parseFieldSelector(text)).toThrow(new Error(message)))

test('what a field must equal, and which fields are allowed', () => {
  const selector = parseFieldSelector(`metadata.name=${escapeFieldValue('a,b=c\\')}`)
  expect([selector.exact('metadata.name'), selector.exact('x')]).toEqual(['a,b=c\\', undefined])
  const refuse = () => {
    throw new Error('field label not supported: x')
  }
  expect(() => parseFieldSelector('x=1', refuse)).toThrow('field label not supported: x')
})

test('seeded selectors: the printed form selects the same', () => {
  const random = seededRandom(11)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const names = ['a', 'b', '10', 'constructor', 'toString', 'x.io/y', 'in', 'notin']
  const values = ['', '1', '2', '10', 'constructor', 'in']
  const term = () =>
    pick([
      () => `${pick(names)}${pick(['=', '==', '!='])}${pick(values)}`,
      () => `${pick(names)} ${pick(['in', 'notin'])} (${pick(values)},${pick(values)})`,
      () => `${pick(['', '!'])}${pick(names)}`,
      () => `${pick(names)}${pick(['>', '<'])}${pick(['1', '5'])}`,
    ])()
  for (let round = 0; round < 2000; round++) {
    const selector = parseLabelSelector(Array.from({ length: 1 + Math.floor(random() * 3) }, term).join(', '))
    const again = parseLabelSelector(selector.toString())
    expect(again.toString()).toBe(selector.toString())
    const object = Object.fromEntries(Array.from({ length: Math.floor(random() * 4) }, () => [pick(names), pick(values)]))
    expect(again.matches(object)).toBe(selector.matches(object))
    expect(selector.requirements.every((each) => compileOneByOne(each.key, each.operator, each.values, object))).toBe(
      selector.matches(object),
    )
  }
})

/** The meaning of an operator, said another way. */
const compileOneByOne = (name: string, operator: string, values: readonly string[], object: Readonly<Record<string, string>>): boolean => {
  const value = new Map(Object.entries(object)).get(name)
  if (operator === 'exists' || operator === '!') return (value !== undefined) === (operator === 'exists')
  if (operator === 'gt' || operator === 'lt') {
    if (value === undefined || !/^\d+$/.test(value)) return false
    return operator === 'gt' ? Number(value) > Number(values[0]) : Number(value) < Number(values[0])
  }
  const among = value !== undefined && values.includes(value)
  return operator === 'notin' || operator === '!=' ? !among : among
}
