import { expect, test } from 'vitest'
import type { Json } from '../json/value.ts'
import { compileJsonPath } from './evaluate.ts'
import { relaxJsonPath } from './parse.ts'

// Outputs and texts were compared with client-go's.

const data: Json = {
  kind: 'List',
  items: [
    {
      metadata: { name: 'a', labels: { 'app.kubernetes.io/name': 'x', z: '1' }, gone: null },
      spec: {
        replicas: 3,
        on: true,
        f: 1.5,
        g: 1234567.5,
        c: [
          { name: 'p', v: 1 },
          { name: 'q', v: 2 },
        ],
      },
    },
    { metadata: { name: 'b' }, spec: { replicas: 1, big: 1e21, html: '<a&b>', id: 9007199254740993n } },
    { metadata: { name: 'c', labels: {} }, spec: { c: [] } },
  ],
  empty: [],
  '10': 'ten',
}
const print = (template: string, allowMissingKeys = true) => compileJsonPath(template, { allowMissingKeys }).print(data)

test.each([
  ['{.kind}', 'List'],
  ['{ $.kind }', 'List'],
  ['plain {.kind} text', 'plain List text'],
  ['{.items[*].metadata.name}', 'a b c'],
  ['{range .items[*]}{.metadata.name}{"\\t"}{.spec.replicas}{"\\n"}{end}', 'a\t3\nb\t1\nc\t\n'],
  ['{range .items[*]}{.metadata.name}:{range .spec.c[*]}{.name},{end};{end}', 'a:p,q,;b:;c:;'],
  ['{range .empty[*]}x{end}y', 'y'],
  ['{.items[-1].metadata.name}', 'c'],
  ['{.items[0:2].metadata.name}', 'a b'],
  ['{.items[::2].metadata.name}', 'a c'],
  ['{.items[0,2].metadata.name}', 'a c'],
  ["{.items[0].metadata.labels['app\\.kubernetes\\.io/name']}", 'x'],
  ['{.items[0].metadata.labels.app\\.kubernetes\\.io/name}', 'x'],
  ["{.items[0]['metadata.name','spec.replicas']}", 'a 3'],
  ['{.items[?(@.metadata.name=="b")].spec.replicas}', '1'],
  ["{.items[?(@.metadata.name!='b')].metadata.name}", 'a c'],
  ['{.items[?(@.spec.replicas>1)].metadata.name}', 'a'],
  ['{.items[?(@.spec.on==true)].metadata.name}', 'a'],
  ['{.items[?(@.spec.c)].metadata.name}', 'a c'],
  ['{..name}', 'a p q b c'],
  ['{.items[0].metadata.labels}', '{"app.kubernetes.io/name":"x","z":"1"}'],
  ['{.items[1].spec}', '{"big":1e+21,"html":"\\u003ca\\u0026b\\u003e","id":9007199254740993,"replicas":1}'],
  ['{.items[1].spec.big} {.items[0].spec.f} {.items[0].spec.g} {.items[1].spec.id}', '1e+21 1.5 1.2345675e+06 9007199254740993'],
  ['{.items[0].metadata.gone}', 'null'],
  ['{.10}', 'ten'],
  ['{.none}{.constructor}{.__proto__.x}', ''],
])('%s', (template, output) => expect(print(template)).toBe(output))

test.each([
  ['{.none}', 'none is not found'],
  ['{.items[5]}', 'array index out of bounds: index 5, length 3'],
  ['{.items[2:1]}', 'starting index 2 is greater than ending index 1'],
  ['{.items[0:3:0]}', 'step must be > 0'],
  ['{.kind[0]}', 'string is not array or slice'],
  ['{.kind[?(@.x)]}', 'List is not array or slice and cannot be filtered'],
  ['{.items[?(@.metadata.name==1)]}', 'incompatible types for comparison'],
  ['{end}', 'not in range, nothing to end'],
  ['{kind}', 'unrecognized identifier kind'],
  ['{.items[*', 'unterminated array'],
  ['{.items[a]}', 'invalid array index a'],
  ['{.x', 'unclosed action'],
  ['{.items[?(@.a=="b"}', 'unterminated filter'],
  ['{....x}', 'invalid multiple recursive descent'],
  ['{"\\q"}', 'unquote string "\\q" error invalid syntax'],
  ['{!}', "unrecognized character in action: U+0021 '!'"],
])('complaint about %s', (template, message) => expect(() => print(template, false)).toThrow(new Error(message)))

test('as JSON, and relaxed forms', () => {
  expect(compileJsonPath('{.items[*].metadata.name}', { asJson: true }).print(data)).toBe('[\n    "a",\n    "b",\n    "c"\n]\n')
  for (const form of ['a.b', '.a.b', '{a.b}', '{.a.b}']) expect(relaxJsonPath(form)).toBe('{.a.b}')
  expect(() => relaxJsonPath('{a}{b}')).toThrow('unexpected path string')
})
