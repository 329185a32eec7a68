import { describe, expect, test } from 'vitest'
import { readTrace } from './read-trace.ts'
import { createTimeline } from './timeline.ts'

const trace = (steps: string, more = '') =>
  readTrace(
    `apiVersion: simulation.skiff.dev/v1alpha1\nkind: Trace\nmetadata: { name: t }\nspec: { steps: [${steps}]${more} }\n`,
    (path) => {
      if (path === 'web.yaml') return 'kind: A\n---\n# nothing\n---\nkind: B\n'
      throw new Error(`no ${path}`)
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
  ])('%s', (steps, sentence) => {
    expect(() => trace(steps)).toThrow(sentence)
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
  expect(steps[0]?.acts[0]).toEqual({ do: 'apply', objects: [{ kind: 'A' }, { kind: 'B' }], from: 'web.yaml' })
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
