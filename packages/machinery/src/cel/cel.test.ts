import { describe, expect, test } from 'vitest'
import { evaluateCel } from './evaluate.ts'
import { mentions, parseCel } from './parse.ts'
import { celOf } from './value.ts'

const self = celOf({
  min: 1,
  max: 3,
  name: 'Web-1',
  tags: ['a', 'b', 'a'],
  ports: [
    { name: 'http', port: 80 },
    { name: 'https', port: 443 },
  ],
  labels: { 'a.b/c': 'x', y: 'z' },
  'a.b': 1,
  namespace: 'n',
  none: null,
})
const value = (source: string) => evaluateCel(parseCel(source), { self })
const failure = (source: string): string => {
  try {
    value(source)
    return 'no failure'
  } catch (error) {
    return (error as Error).message
  }
}

describe('true', () => {
  test.each([
    'self.min <= self.max',
    '1 + 2 * 3 == 7 && 7 / 2 == 3 && -7 % 3 == -1 && 2.0 * 1.5 == 3.0',
    '1 == 1.0 && 1u < 2 && 0x1F == 31 && 1e3 == 1000.0',
    '!(1 > 2) || false',
    `"a" + 'b' == "ab" && r"\\n" != "\\n" && "\\u0041" == "A" && """x"y""" == 'x"y'`,
    'size(self.tags) == 3 && self.tags.size() == 3 && "é".size() == 1',
    '"b" in self.tags && "y" in self.labels && !("q" in self.labels)',
    'has(self.name) && !has(self.missing) && has(self.labels.y)',
    'self.ports.all(p, p.port > 0) && self.ports.exists(p, p.name == "http") && self.ports.exists_one(p, p.port == 80)',
    'self.ports.map(p, p.port) == [80, 443] && self.ports.map(p, p.port > 100, p.name) == ["https"]',
    'self.ports.filter(p, p.port > 100)[0].name == "https"',
    'self.labels.all(k, self.labels[k] != "")',
    'self.labels.all(k, v, k != v)',
    'cel.bind(x, self.max + 1, x * x) == 16',
    'self.min > 5 ? false : true',
    // Either side may decide alone.
    'self.missing == 1 || true',
    '!(self.missing == 1 && false)',
    '[1, 2].exists(i, self.missing == i || i == 2)',
    'self.name.matches("^[A-Z]") && self.name.startsWith("Web") && self.name.lowerAscii() == "web-1"',
    '"a,b,c".split(",") == ["a", "b", "c"] && "a,b,c".split(",", 2) == ["a", "b,c"] && ["a", "b"].join("-") == "a-b"',
    '"hello".substring(1, 3) == "el" && "hello".indexOf("l") == 2 && "hello".lastIndexOf("l") == 3 && "hello".replace("l", "L", 1) == "heLlo"',
    '"abc 123".find("[0-9]+") == "123" && "1 2 3".findAll("[0-9]", 2) == ["1", "2"]',
    '[3, 1, 2].max() == 3 && [3, 1, 2].sum() == 6 && ![3, 1].isSorted() && ["b", "a"].indexOf("a") == 1',
    'sets.contains([1, 2, 3], [1]) && sets.equivalent([1, 1], [1]) && !sets.intersects([1], [2])',
    'duration("1h") > duration("59m") && duration("90s").getMinutes() == 1 && string(duration("1m")) == "60s"',
    'timestamp("2026-01-02T03:04:05Z").getFullYear() == 2026 && timestamp("2026-01-02T03:04:05Z").getHours("+01:00") == 4',
    'timestamp("2026-01-01T00:00:00Z") + duration("24h") == timestamp("2026-01-02T00:00:00Z")',
    'quantity("250m").asApproximateFloat() == 0.25 && quantity("1Gi").asApproximateFloat() == 1073741824.0',
    'quantity("1Gi").isGreaterThan(quantity("1G")) && isQuantity("5m") && !isQuantity("x") && quantity("2k").asInteger() == 2000',
    'quantity("500m").add(quantity("500m")).compareTo(quantity("1")) == 0',
    'url("https://a.example:8080/p?q=1").getHostname() == "a.example" && isURL("/p") && !isURL("p") && url("https://a/p%20q").getEscapedPath() == "/p%20q"',
    'ip("127.0.0.1").isLoopback() && cidr("10.0.0.0/8").containsIP("10.1.2.3") && !isIP("1.2.3") && ip("::1").family() == 6',
    'cidr("10.1.2.3/8").masked() == cidr("10.0.0.0/8") && string(ip("2001:db8:0:0::1")) == "2001:db8::1"',
    'optional.of(1).hasValue() && self.?missing.orValue(7) == 7 && self.?min.value() == 1 && self.tags[?9].orValue("x") == "x"',
    'optional.none().optMap(x, x + 1).orValue(0) == 0 && optional.of(1).optMap(x, x + 1).value() == 2',
    'int("42") == 42 && string(42) == "42" && double("1.5") == 1.5 && type(1) == int && type("") == string && bool("true")',
    '"%s is %d, %.2f".format(["a", 1, 1.5]) == "a is 1, 1.50"',
    'self.a__dot__b == 1 && self.__namespace__ == "n" && self.none == null',
    '{"a": 1, "b": 2}.b == 2 && dyn([1]) != dyn("x")',
    'math.greatest(1, 2, 3) == 3 && math.least([4, 2]) == 2',
    '!format.dns1123Label().validate(self.namespace).hasValue()',
    "format.dns1123Label().validate(self.name).value()[0].startsWith('a lowercase RFC 1123 label must consist of')",
    "format.named('uuid').value().validate('x').value() == ['does not match the UUID format'] && !format.named('none').hasValue()",
    "!format.dns1123LabelPrefix().validate('a-').hasValue() && format.date().validate('2025-02-30').hasValue()",
    "!format.datetime().validate('2025-02-03T04:05:06.7Z').hasValue() && !format.byte().validate('YQ==').hasValue()",
    "!format.uri().validate('/a?b').hasValue() && format.uri().validate('a b').value() == ['parse \"a b\": invalid URI for request']",
  ])('%s', (source) => expect(value(source)).toBe(true))
})

test.each([
  ['self.missing', 'no such key: missing'],
  ['self.tags[5]', 'index out of bounds: 5'],
  ['1 / 0', 'division by zero'],
  ['9223372036854775807 + 1', 'integer overflow'],
  ['1 + "a"', 'no such overload'],
  ['1 && true', 'no such overload'],
  ['other', `undeclared reference to 'other' (in container '')`],
  ['self.frob()', `undeclared reference to 'frob' (in container '')`],
  [
    '1 +',
    `ERROR: <input>:1:4: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | 1 +\n | ...^`,
  ],
  ['a b', `ERROR: <input>:1:3: Syntax error: extraneous input 'b' expecting <EOF>\n | a b\n | ..^`],
  ['"x', `ERROR: <input>:1:1: Syntax error: token recognition error at: '"x'\n | "x\n | ^`],
])('%s fails: %s', (source, message) => expect(failure(source)).toBe(message))

test('an evaluation ends', () => {
  const source = '[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, [1,2,3,4,5,6,7,8,9].all(c, a + b + c > 0)))'
  expect(() => evaluateCel(parseCel(source), {}, { left: 1000 })).toThrow('cost limit exceeded')
  expect(() => parseCel('('.repeat(10_000))).toThrow('recursion limit')
})

test('which variables an expression speaks of', () => {
  expect(mentions(parseCel('self.x == oldSelf.x'), 'oldSelf')).toBe(true)
  expect(mentions(parseCel('self.oldSelf == "oldSelf"'), 'oldSelf')).toBe(false)
})
