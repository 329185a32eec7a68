import { describe, expect, test } from 'vitest'
import type { PluginSets } from '../config/configuration.ts'
import type { Plugin } from '../cycle/framework.ts'
import { still } from '../testing/decisions.ts'
import { expandPlugins } from './expand.ts'

const plugin = (name: string, points: Plugin['points'] & {}): Plugin => ({ name, points, begin: () => 'skip' })
const known = new Map(
  [plugin('a', ['filter', 'score']), plugin('b', ['filter', 'score']), plugin('c', ['filter', 'score']), plugin('d', ['score'])].map(
    (each) => [each.name, each],
  ),
)
const refs = (...names: string[]) => names.map((each) => ({ name: each }))
const expanded = (sets: PluginSets) => {
  const { filter, score } = expandPlugins(sets, known)
  return { filter: filter.map(({ name }) => name).join(''), score: score.map(({ name, weight = '' }) => `${name}${weight}`).join('') }
}

describe('multiPoint', () => {
  test('enables a plugin wherever it extends', () => {
    expect(expanded({ multiPoint: { enabled: refs('a', 'd', 'b') } })).toEqual({ filter: 'ab', score: 'adb' })
  })
  test('what a point names itself overrides: its own first, then the others, then what multiPoint does not name', () => {
    const sets = {
      multiPoint: { enabled: refs('a', 'b') },
      score: {
        enabled: [
          { name: 'd', weight: 5 },
          { name: 'b', weight: 9 },
        ],
      },
    }
    expect(expanded(sets)).toEqual({ filter: 'ab', score: 'b9ad5' })
  })
  test('a point may disable one of its plugins, or all', () => {
    expect(expanded({ multiPoint: { enabled: refs('a', 'b') }, filter: { disabled: refs('a') } })).toEqual({ filter: 'b', score: 'ab' })
    expect(expanded({ multiPoint: { enabled: refs('a') }, score: { enabled: refs('c'), disabled: refs('*') } })).toEqual({
      filter: 'a',
      score: 'c',
    })
  })
  test.each([
    [{ filter: { enabled: refs('x') } }, 'FilterPlugin "x" does not exist'],
    [{ multiPoint: { enabled: refs('x') } }, 'PreFilterPlugin "x" does not exist'],
    [{ filter: { enabled: refs('d') } }, 'plugin "d" does not extend FilterPlugin plugin'],
    [{ score: { enabled: refs('a', 'a') } }, 'plugin "a" already registered as "ScorePlugin"'],
    [{ multiPoint: { enabled: refs('a', 'a') } }, 'plugin "a" already registered as "FilterPlugin"'],
  ])('%#: is refused in upstream words', (sets, message) => {
    expect(() => expandPlugins(sets as PluginSets, known)).toThrow(message)
  })
})

describe('a profile', () => {
  const make = (plugins: PluginSets, pluginConfig: { name: string; args: unknown }[] = []) =>
    still([], [], [], { configuration: { profiles: [{ plugins, pluginConfig }] } }).profile
  test('has plugins in their order, with weights, points and the parts that are no cycle', () => {
    const { enabled, bind, queueSort, postFilter, preEnqueue } = make({
      score: { disabled: refs('TaintToleration'), enabled: [{ name: 'NodeAffinity', weight: 9 }] },
    })
    const taints = enabled.find((each) => each.plugin.name === 'TaintToleration')
    expect(taints?.at).toMatchObject({ filter: true, score: false })
    expect(enabled.find((each) => each.plugin.name === 'NodeAffinity')?.weight).toBe(9)
    expect([bind, [queueSort], postFilter, preEnqueue].map((list) => list.map(({ name }) => name).join())).toEqual([
      ...['DefaultBinder', 'PrioritySort', 'DefaultPreemption', 'SchedulingGates,DefaultPreemption'],
    ])
  })
  test.each([
    [
      { multiPoint: { disabled: refs('DefaultBinder') } },
      'at least one bind plugin is needed for profile with scheduler name "default-scheduler"',
    ],
    [
      { multiPoint: { disabled: refs('PrioritySort') } },
      'at least one queue sort plugin is required for profile with scheduler name "default-scheduler"',
    ],
  ])('%#: must be able to sort and to bind', (plugins, message) => {
    expect(() => make(plugins)).toThrow(message)
  })
  test('arguments of NodeResourcesFit are refused where the plugin is made, as upstream', () => {
    const args = { scoringStrategy: { type: 'Fancy', resources: [] } }
    expect(() => make({}, [{ name: 'NodeResourcesFit', args }])).toThrow(
      'initializing plugin "NodeResourcesFit": scoringStrategy.type: Unsupported value: "Fancy": supported values: "LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"',
    )
  })
})
