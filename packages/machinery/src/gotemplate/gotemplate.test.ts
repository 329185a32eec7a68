import { expect, test } from 'vitest'
import type { Json } from '../json/value.ts'
import { compileGoTemplate } from './evaluate.ts'

// Outputs and texts were compared with Go's text/template.

const data: Json = {
  kind: 'List',
  items: [
    { metadata: { name: 'a', labels: { app: 'x', z: '1' } }, spec: { replicas: 3, big: 12345678, f: 1.5 } },
    { metadata: { name: 'b' }, spec: { replicas: 1 } },
  ],
  empty: [],
  map: {},
  text: '<a> "q"',
  nil: null,
  encoded: 'aGVsbG8=',
}
const print = (template: string) => compileGoTemplate(template).print(data)

test.each([
  ['{{.kind}}', 'List'],
  ['{{range .items}}{{.metadata.name}} {{end}}', 'a b '],
  ['{{range $i, $x := .items}}{{$i}}={{$x.metadata.name}};{{end}}', '0=a;1=b;'],
  ['{{range $k, $v := (index .items 0).metadata.labels}}{{$k}}:{{$v}},{{end}}', 'app:x,z:1,'],
  ['{{range .empty}}x{{else}}none{{end}}', 'none'],
  ['{{range .items}}{{if eq .metadata.name "a"}}{{continue}}{{end}}{{.metadata.name}}{{break}}{{end}}', 'b'],
  ['{{if .empty}}y{{else if .kind}}k{{else}}n{{end}}', 'k'],
  ['{{with .none}}x{{else}}none{{end}}{{with $x := .kind}}{{$x}}{{.}}{{end}}', 'noneListList'],
  ['{{.none}}{{.none.x}}{{.nil}}{{.constructor}}', '<no value><no value><no value><no value>'],
  ['{{index .items 0 "metadata" "name"}}{{len .items}}{{.items | len | printf "%03d"}}', 'a2002'],
  ['{{(index .items 0).spec}}', 'map[big:1.2345678e+07 f:1.5 replicas:3]'],
  ['{{eq .kind "a" "List"}} {{ne 1 2}} {{lt 1 2}} {{ge "b" "a"}} {{and 1 0}} {{or "" "x"}} {{not 1}}', 'true true true true 0 x false'],
  ['{{printf "%s-%v|%5s|%-5s|%q|%.2f" .kind 3 "x" "y" "z" 1.5}}', 'List-3|    x|y    |"z"|1.50'],
  ['{{printf "%d" (index .items 0).spec.replicas}}', '%!d(float64=3)'],
  ['{{print 1 2 "a" "b" 3}}{{println "x"}}', '1 2ab3x\n'],
  ['{{html .text}} {{js .text}} {{urlquery .text}}', '&lt;a&gt; &#34;q&#34; \\u003Ca\\u003E \\"q\\" %3Ca%3E+%22q%22'],
  ['a  {{- "b" -}}  c{{/* gone */}}', 'abc'],
  ['{{$x := .kind}}{{$x}}{{$x = "y"}}{{$x}}{{$.kind}}', 'ListyList'],
  ['{{define "t"}}[{{.}}]{{end}}{{template "t" .kind}}', '[List]'],
  ['{{.encoded | base64decode}} {{exists .items 5}} {{exists .map "x"}} {{exists . "kind"}}', 'hello false false true'],
  ['{{"a\\n\\u00e9"}}{{`raw\\n`}}{{0x10}}{{1.5}}', 'a\néraw\\n161.5'],
])('%s', (template, output) => expect(print(template)).toBe(output))

test.each([
  ['{{.nil.x}}', 'template: output:1:6: executing "output" at <.nil.x>: nil pointer evaluating interface {}.x'],
  ['{{.kind.x}}', `template: output:1:7: executing "output" at <.kind.x>: can't evaluate field x in type interface {}`],
  ['x\n{{index .items 5}}', 'template: output:2:2: executing "output" at <index .items 5>: error calling index: index out of range: 5'],
  ['{{len 3}}', 'template: output:1:2: executing "output" at <len 3>: error calling len: len of type int'],
  [
    '{{eq (index .items 0).spec.replicas 3}}',
    'template: output:1:2: executing "output" at <eq (index .items 0).spec.replicas 3>: error calling eq: incompatible types for comparison',
  ],
  ['{{not}}', 'template: output:1:2: executing "output" at <not>: wrong number of args for not: want 1 got 0'],
  ['{{range .kind}}{{end}}', `template: output:1:8: executing "output" at <.kind>: range can't iterate over List`],
  ['{{template "t"}}', 'template: output:1:11: executing "output" at <{{template "t"}}>: template "t" not defined'],
  ['{{foo}}', 'template: output:1: function "foo" not defined'],
  ['{{$y}}', 'template: output:1: undefined variable "$y"'],
  ['{{.kind', 'template: output:1: unclosed action'],
  ['{{if .x}}', 'template: output:1: unexpected EOF'],
  ['{{if}}{{end}}', 'template: output:1: missing value for if'],
  ['{{end}}', 'template: output:1: unexpected {{end}}'],
  ['{{break}}', 'template: output:1: {{break}} outside {{range}}'],
])('complaint about %s', (template, message) => expect(() => print(template)).toThrow(new Error(message)))

test('a template that calls itself ends', () => {
  expect(() => print('{{define "t"}}{{template "t"}}{{end}}{{template "t"}}')).toThrow('exceeded maximum template depth')
})
