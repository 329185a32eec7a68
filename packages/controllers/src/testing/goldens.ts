import { readFileSync } from 'node:fs'
import { fixedViews } from '@skiff/client'
import { type KubeObject, keyOf, loadYaml } from '@skiff/machinery'
import { expect, test } from 'vitest'
import type { Controller, Watched } from '../runner/controller.ts'
import { storageVersions } from '../storageversions/storageversions.ts'
import { storedResources } from './cluster.ts'
import { sentences } from './sentences.ts'
import { type Answers, walk } from './walk.ts'

interface Golden {
  readonly name: string
  readonly now?: string
  /** When the objects were first seen, for controllers that remember; absent: now. */
  readonly seen?: string
  readonly objects: readonly KubeObject[]
  /** The key that is planned. */
  readonly plan: string
  /** Given, the plan is followed while every call succeeds, as `walk` tells it: what reads, lists and questions answer. */
  readonly answers?: Answers
  /** As `sentences` tells them, or `walk`. */
  readonly steps: readonly string[]
}

const usualNow = '2025-06-01T12:00:00Z'

const resourceOf = ({ kind }: KubeObject) => {
  const resource = [...storedResources, storageVersions].find((each) => each.kind === kind)
  if (!resource) throw new Error(`no resource holds objects of kind ${kind}`)
  return resource
}

const known = ({ metadata }: KubeObject): object => ({ uid: metadata.name, creationTimestamp: usualNow })

/** Tests of a controller's decisions, kept as YAML: what is there and seen, and the steps of one plan. A uid is the name where none is given. */
export const goldens = (file: URL, controller: () => Controller): void => {
  const cases = loadYaml(readFileSync(file, 'utf8')).value as unknown as readonly Golden[]
  test.each(cases)('$name', ({ now = usualNow, seen = now, objects, plan, answers, steps }) => {
    const made = controller()
    const views = fixedViews(
      ...objects.map((object) => ({
        resource: resourceOf(object),
        objects: [{ ...object, metadata: { ...known(object), ...object.metadata } }],
      })),
    )
    const watched = made.watches() as unknown as readonly Watched[]
    for (const { resource, indexes } of watched)
      for (const [name, values] of Object.entries(indexes ?? {})) views.view(resource).addIndex(name, values)
    for (const { resource, keys } of watched)
      for (const after of views.view(resource).list())
        Array.from(keys({ key: keyOf(after), before: undefined, after }, views, Date.parse(seen)))
    const planned = made.plan(plan, views, Date.parse(now))
    expect(answers ? walk(planned, answers) : sentences(planned)).toEqual(steps)
  })
}
