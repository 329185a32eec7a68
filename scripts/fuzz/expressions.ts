import { customColumns } from '@skiff/api'
import {
  addQuantities,
  CelError,
  celOf,
  compareQuantities,
  compileJsonPath,
  evaluateCel,
  type KubeObject,
  parseCel,
  parseFieldSelector,
  parseJsonText,
  parseLabelSelector,
  parseQuantity,
  quantityText,
  relaxJsonPath,
  subtractQuantities,
} from '@skiff/machinery'
import { kindNamed, objectOf } from './samples.ts'
import { mostNested, must, outcomeOf, type Target } from './target.ts'

export const labelSelector: Target = {
  name: 'label-selector',
  seeds: () => [
    'app=web,tier in (a,b),!canary,n>3',
    'a notin (x, y ,z),b==c,d!=e,f<10',
    'example.com/name=a',
    'in in (in)',
    'a in (,)',
    'notin notin (notin,)',
  ],
  words: ['=', '==', '!=', '!', ' in ', ' notin ', '(', ')', ',', '>', '<', '\u0000', 'a/b', 'a'.repeat(64)],
  run: (input) =>
    outcomeOf(() => {
      const selector = parseLabelSelector(input.toString())
      const text = selector.toString()
      const again = parseLabelSelector(text)
      must(again.toString() === text, 'the canonical form changes')
      const labels = Object.assign(Object.create(null), { a: 'x', app: 'web', tier: 'a', n: '4', __proto__: 'b', 10: '10' })
      must(again.matches(labels) === selector.matches(labels), 'the canonical form selects something else')
      return `${selector.requirements.map(({ operator, values }) => `${operator}${Math.min(values.length, 3)}`).join()}`.slice(0, 40)
    }),
}

export const fieldSelector: Target = {
  name: 'field-selector',
  seeds: () => ['metadata.name=a,spec.nodeName!=b', 'status.phase==Running', 'a=b\\,c\\=d\\\\e', 'a=,b=', ''],
  words: ['=', '==', '!=', ',', '\\', '\\,', '\\=', 'metadata.name'],
  run: (input) =>
    outcomeOf(() => {
      const selector = parseFieldSelector(input.toString())
      const text = selector.toString()
      // Terms are sorted as they were written, so that their order may change once.
      const terms = (of: typeof selector) => JSON.stringify(of.requirements.map((each) => JSON.stringify(each)).sort())
      must(terms(parseFieldSelector(text)) === terms(selector), 'the canonical form changes')
      const get = (field: string) => (field === 'metadata.name' ? 'a' : '')
      must(parseFieldSelector(text).matches(get) === selector.matches(get), 'the canonical form selects something else')
      return selector.requirements
        .map(({ operator }) => operator)
        .join('')
        .slice(0, 20)
    }),
}

const oneGi = parseQuantity('1Gi')
export const quantity: Target = {
  name: 'quantity',
  seeds: () => ['1', '1.5Gi', '100m', '-3e3', '12E', '0.000000001', '1n', '+5', '.5', '9223372036854775807', '1e-9', '5Ei', '1E1000', '0x'],
  words: ['e', 'E', 'm', 'Ki', 'Ei', '.', '-', '+', '0'.repeat(40), '9'.repeat(40), 'n', 'u'],
  run: (input) =>
    outcomeOf(() => {
      const value = parseQuantity(input.toString())
      const text = quantityText(value)
      const again = parseQuantity(text)
      must(compareQuantities(again, value) === 0, 'the printed quantity is another')
      must(compareQuantities(subtractQuantities(addQuantities(value, oneGi), oneGi), value) === 0, 'adding and taking away changes it')
      return `${value.format} ${Math.min(text.length, 40)} ${value.scale}`
    }),
}

const seeds = [
  'self.replicas <= self.maxReplicas && self.items.all(x, x > 0)',
  'has(self.a) ? self.a.startsWith("x") : true',
  "self.name.matches('^[a-z]+$') || !self.list.exists_one(e, e.k == 'v')",
  'size(self.list.map(x, x * 2).filter(y, y % 3 != 0)) < 10',
  "duration('1h') > duration('5m') && timestamp('2024-01-01T00:00:00Z').getFullYear() == 2024",
  "quantity('1Gi').isGreaterThan(quantity('1Mi')) && ip('10.0.0.1').family() == 4",
  '[1, 2, 3].sum() + int("3") - 9223372036854775807 / -1',
  '{"a": 1, "b": [true, null, b"x", r"\\d", 1u, 0x1F, 1e3]}.a == 1',
  'oldSelf.orValue({}).?a.hasValue()',
  "'a,b'.split(',').join('-').replace('a', 'b', 1).lowerAscii()",
]
const variables = {
  self: celOf({ replicas: 1, maxReplicas: 3, items: [1, 2], a: 'xy', name: 'abc', list: [{ k: 'v' }, 'x', 1.5], __proto__x: {} }),
}

export const cel: Target = {
  name: 'cel',
  seeds: () => seeds,
  words: [
    '(',
    ')',
    '[',
    ']',
    '.',
    '?',
    ':',
    '&&',
    '||',
    '!',
    '-',
    '==',
    ' in ',
    '.map(x, ',
    '.all(x, ',
    'self',
    'oldSelf',
    '"',
    "'''",
    '\\x',
    '1u',
    '0x',
    'has(',
  ],
  run: (input) => {
    const source = input.toString()
    return outcomeOf(() => {
      const node = parseCel(source)
      try {
        const value = evaluateCel(node, { ...variables, oldSelf: { is: 'optional', value: undefined } })
        return `value ${typeof value}`
      } catch (error) {
        if (error instanceof CelError) return `error ${error.message.replace(/[\d'"].*/, '').slice(0, 40)}`
        throw error
      }
    })
  },
}

export const jsonPath: Target = {
  name: 'jsonpath',
  seeds: (random) => {
    const text = JSON.stringify(objectOf(kindNamed('Pod'), random))
    return [
      '{.items[*].metadata.name}',
      '{range .items[?(@.a=="b")]}{.x}{\'\\n\'}{end}',
      '{.spec.containers[-1:].name}{.a..b}',
      "{['a','b']}{.a[0:5:2]}{@.b[?(@.c>1.5)]}",
      '.metadata.creationTimestamp',
      `.spec.containers[0].image`,
    ].map((template) => JSON.stringify({ template, object: parseJsonText(text).value }))
  },
  words: ['{', '}', '[*]', '[?(', ')]', '@', '..', '[-1]', '[0:2]', 'range ', 'end', "'", '&&'],
  run: (input) =>
    outcomeOf(() => {
      const { template, object } = ((parseJsonText(input.toString(), mostNested).value as unknown) ?? {}) as {
        template: unknown
        object: KubeObject
      }
      if (typeof template !== 'string') return 'no template'
      const found = outcomeOf(() => String(compileJsonPath(template, { allowMissingKeys: true }).find(object as never).length))
      const column = outcomeOf(() => {
        compileJsonPath(relaxJsonPath(template))
        const [, cell] = customColumns([{ name: 'x', type: 'date', jsonPath: template }])
        return typeof cell?.cell?.(object ?? ({} as KubeObject), 0)
      })
      return `${found} ${column}`
    }),
}
