import { expect, test } from 'vitest'
import { kwokFunctions } from '../functions.ts'
import { compileTemplate } from '../template.ts'

const around = { now: () => Date.UTC(2025, 1, 3, 16, 5, 6), random: () => 0.5, nodeIP: () => '', podIP: () => '' }
const data = { name: 'web-1', labels: { app: 'web', tier: 'front' }, ports: [80, 443, 80] }
const print = (source: string): string =>
  compileTemplate(
    source,
    't',
    kwokFunctions(around, () => data as never),
  ).text(data)

test.each([
  [
    '{{ atoi "12" }} {{ add 1 (atoi "x") }} {{ untilStep 0 6 2 }} {{ seq 3 }} {{ until 3 }} {{ maxf 1.5 2 }}',
    '12 1 [0 2 4] 1 2 3 [0 1 2] 2',
  ],
  [
    '{{ trimAll "$" "$5$0$" }} {{ title "a b" }} {{ camelcase "http_server" }} {{ kebabcase "someWords" }} {{ snakecase "a b" }}',
    '5$0 A B HttpServer some-words a_b',
  ],
  ['{{ abbrev 6 "abcdefgh" }} {{ plural "one" "many" 2 }} {{ cat "a" 1 }} {{ initials "a few" }}', 'abc... many a 1 af'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Go's way to name a group.
  ['{{ regexFind "[0-9]+" .name }} {{ regexReplaceAll "(w)eb" .name "${1}" }} {{ regexFindAll "[a-z]" .name 2 }}', '1 w-1 [w e]'],
  [
    '{{ $d := dict "a" 1 }}{{ $_ := set $d "b" 2 }}{{ toJson $d }} {{ pick .labels "app" | toJson }} {{ omit .labels "app" | toJson }}',
    '{"a":1,"b":2} {"app":"web"} {"tier":"front"}',
  ],
  ['{{ pluck "app" .labels }} {{ keys .labels | sortAlpha | join "," }} {{ hasKey .labels "x" }}', '[web] app,tier false'],
  [
    '{{ uniq .ports }} {{ has 443 .ports }} {{ without .ports 80 }} {{ slice .ports 1 }} {{ initial .ports }} {{ prepend .ports 1 }} {{ concat .ports .ports | len }}',
    '[80 443] true [443] [443 80] [80 443] [1 80 443 80] 6',
  ],
  ['{{ kindOf .labels }} {{ kindIs "string" .name }} {{ deepEqual .ports .ports }} {{ (split "-" .name)._1 }}', 'map true true 1'],
  [
    '{{ now | date "2006-01-02T15:04:05Z07:00" }} {{ dateModify "-1h" now | date "Jan 02 03PM" }} {{ unixEpoch now }} {{ duration 90 }}',
    '2025-02-03T16:05:06Z Feb 03 03PM 1738598706 1m30s',
  ],
])('%s', (source, text) => {
  expect(print(source)).toBe(text)
})

test('what the cluster shares cannot be changed, and a template may refuse', () => {
  expect(() => print('{{ set .labels "a" "b" }}')).toThrow('only what dict made can be changed')
  expect(() => print('{{ fail "no" }}')).toThrow('no')
})
