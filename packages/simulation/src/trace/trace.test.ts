import { describe, expect, test } from 'vitest'
import { readTrace } from './read-trace.ts'
import { createTimeline } from './timeline.ts'

const secret = (name: string) => `apiVersion: v1\nkind: Secret\nmetadata: { name: ${name} }\n`
const trace = (steps: string, more = '') =>
  readTrace(
    `apiVersion: simulation.skiff.dev/v1alpha1\nkind: Trace\nmetadata: { name: t }\nspec: { steps: [${steps}]${more} }\n`,
    (path) => {
      if (path === 'web.yaml') return `${secret('a')}---\n# nothing\n---\n${secret('b')}`
      if (path === 'broken.yaml') return 'a: 1\nb: ['
      throw new Error(`there is no file ${path}`)
    },
  )

describe('what is wrong with a trace is told', () => {
  test.each([
    ['{ at: soon, say: a }', 'Trace.spec.steps[0].at must be a duration'],
    ['{ say: a }', 'Trace.spec.steps[0].at is missing'],
    ['{ at: 1s }', 'at says when, and nothing says what; known are say, jumpClock, join'],
    ['{ at: 1s, explode: node-1 }', 'explode is not known; known are at, say'],
    ['{ at: 1s, scale: { of: web, replicas: 1 } }', 'scale.of must be a kind and a name, as deployment/web'],
    ['{ at: 1s, scale: { of: deployment/web } }', 'scale.replicas is missing'],
    ['{ at: 1s, crash: { who: kubelet, for: 1s } }', 'crash.who must be controllers or scheduler'],
    ['{ at: 1s, cutWatches: [etcd] }', 'cutWatches must be of controllers, scheduler, nodes, or all'],
    ['{ at: 1s, die: { zone: a } }', 'die must be names of nodes, or { where: an expression }'],
    ['{ at: 1s, expect: [{ count: pods }] }', 'expect[0].is is missing, and so are atLeast and atMost'],
    ['{ at: 1s, expect: [{ of: pod/a, that: "nope(.)" }] }', 'there is no function nope'],
    ['{ at: 1s, join: { name: a } }', 'join.count is missing'],
    ['{ at: -1s, say: a }', 'line 4: Trace.spec.steps[0].at must not be negative'],
    ['{ at: 1s, say: a, say: b }', 'line 4: key "say" already set in map'],
    ['{ at: 1s, apply: { kind: Pod } }', 'steps[0].apply holds an object without apiVersion, kind, or a name in its metadata'],
    ['{ at: 1s, apply: { apiVersion: v1, kind: Pood, metadata: { name: a } } }', 'steps[0].apply holds a Pood of v1, which there is not'],
    ['{ at: 1s, apply: none.yaml }', 'steps[0].apply: there is no file none.yaml'],
    ['{ at: 1s, apply: broken.yaml }', 'steps[0].apply: broken.yaml: yaml: line 2: did not find'],
    ['{ at: 1s, delete: { of: pood/a } }', 'steps[0].delete.of names the kind "pood", which there is not'],
    [
      '{ at: 1s, expect: [{ count: pods, is: 1 }, { count: podz, is: 1 }] }',
      'steps[0].expect[1].count names the kind "podz", which there is not',
    ],
    ['{ at: 1s, expect: [{ count: pods, is: 1, where: ".a |" }] }', 'steps[0].expect[0].where: expression ".a |": unexpected end'],
    ['{ at: 1s, die: { where: "a b" } }', 'steps[0].die.where: expression "a b": unexpected "b"'],
  ])('%s', (steps, sentence) => {
    expect(() => trace(steps)).toThrow(sentence)
  })

  test.each([
    [', nodes: -1', 'line 4: Trace.spec.nodes must be a whole number from 0 to 30000'],
    [', until: -1s', 'Trace.spec.until must not be negative'],
    [', hurry: true', 'Trace.spec.hurry is not known; known are nodes, until, steps'],
  ])('%s', (more, sentence) => {
    expect(() => trace('', more)).toThrow(sentence)
  })

  test('the line is that of the file, whatever documents come before', () => {
    const shape = 'apiVersion: simulation.skiff.dev/v1alpha1\nkind: NodeShape\nmetadata: { name: a }\nspec: { count: 1 }\n'
    const head = 'apiVersion: simulation.skiff.dev/v1alpha1\nkind: Trace\nmetadata: { name: t }\nspec:\n  steps:\n'
    expect(() => readTrace(`${shape}--- # now\n${head}    - at: 1s\n      dye: node-1\n`, () => '')).toThrow(
      'line 12: Trace.spec.steps[0].dye is not known',
    )
    expect(() => readTrace(`${head}    - { at: 1s, say: a }\n---\n${shape.replace('1 }', 'x }')}`, () => '')).toThrow(
      'line 11: document 1 (NodeShape a).spec.count must be a number',
    )
    expect(() => readTrace(`${head}    - { at: 1s, say: a }\n`.replace('v1alpha1', 'v1'), () => '')).toThrow(
      'line 1: Trace.apiVersion must be simulation.skiff.dev/v1alpha1',
    )
  })

  test('kinds that the trace defines itself are known', () => {
    const definition =
      '{ apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: { name: w }, spec: { group: a.b, names: { kind: Widget, plural: widgets }, versions: [{ name: v1 }] } }'
    const widget = '{ apiVersion: a.b/v1, kind: Widget, metadata: { name: one } }'
    const steps = (first: string) => `{ at: 1s, apply: [${first}] }, { at: 2s, apply: ${widget}, expect: [{ of: widget/one }] }`
    expect(trace(steps(definition)).steps).toHaveLength(2)
    expect(() => trace(steps(''))).toThrow('holds a Widget of a.b/v1, which there is not')
  })

  test('no trace, or two', () => {
    expect(() => readTrace('', () => '')).toThrow('there is no document of kind Trace')
    expect(() => readTrace('kind: Trace\n---\nkind: Trace\n', () => '')).toThrow('there are two documents of kind Trace')
  })
})

test('steps come in the order of their times, files are read, a minute is left at the end', () => {
  const { steps, untilMs, nodes } = trace('{ at: 2m, say: last }, { at: 1s, apply: web.yaml }, { at: 1s, say: second }')
  expect(steps.map(({ atMs, acts }) => [atMs, acts.map((act) => act.do)])).toEqual([
    [1_000, ['apply']],
    [1_000, ['say']],
    [120_000, ['say']],
  ])
  expect(steps[0]?.acts[0]).toMatchObject({
    do: 'apply',
    objects: [{ metadata: { name: 'a' } }, { metadata: { name: 'b' } }],
    from: 'web.yaml',
  })
  expect([untilMs, nodes]).toEqual([180_000, 3])
})

test('a timeline tells what happens within one second together, and lines in their place', () => {
  const lines: string[] = []
  let ms = 200
  const timeline = createTimeline(
    () => ms,
    (line) => lines.push(line),
  )
  for (const node of ['a', 'b', 'a', 'c', 'd', 'e', 'f']) timeline.count('pods', 'scheduled', node)
  timeline.tell('Deployment web', 'available')
  timeline.tell('Deployment web', 'available')
  ms = 900
  timeline.count('pods', 'ready')
  ms = 3_723_000
  timeline.line('*', 'scale')
  timeline.count('pods', 'gone')
  timeline.flush()
  expect(lines).toEqual([
    '00:00:00    pods: 7 scheduled (a ×2, b, c, d and 2 more), 1 ready',
    '00:00:00    Deployment web: available',
    '01:02:03  * scale',
    '01:02:03    pods: 1 gone',
  ])
})
