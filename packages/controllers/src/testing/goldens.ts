import { readFileSync } from 'node:fs'
import { fixedViews } from '@skiff/client'
import { type KubeObject, loadYaml } from '@skiff/machinery'
import { expect, test } from 'vitest'
import type { Controller } from '../runner/controller.ts'
import { storedResources } from './cluster.ts'
import { sentences } from './sentences.ts'

interface Golden {
  readonly name: string
  readonly now?: string
  readonly objects: readonly KubeObject[]
  /** The key that is planned. */
  readonly plan: string
  /** As `sentences` tells them. */
  readonly steps: readonly string[]
}

const usualNow = '2025-06-01T12:00:00Z'

const resourceOf = ({ kind }: KubeObject) => {
  const resource = storedResources.find((each) => each.kind === kind)
  if (!resource) throw new Error(`no resource holds objects of kind ${kind}`)
  return resource
}

const known = ({ metadata }: KubeObject): object => ({ uid: metadata.name, creationTimestamp: usualNow })

/** Tests of a controller's decisions, kept as YAML: what is there, and the steps of one plan. A uid is the name where none is given. */
export const goldens = (file: URL, controller: () => Controller): void => {
  const cases = loadYaml(readFileSync(file, 'utf8')).value as unknown as readonly Golden[]
  test.each(cases)('$name', ({ now = usualNow, objects, plan, steps }) => {
    const made = controller()
    const views = fixedViews(
      ...objects.map((object) => ({
        resource: resourceOf(object),
        objects: [{ ...object, metadata: { ...known(object), ...object.metadata } }],
      })),
    )
    for (const { resource, indexes } of made.watches())
      for (const [name, values] of Object.entries(indexes ?? {})) views.view(resource).addIndex(name, values as never)
    expect(sentences(made.plan(plan, views, Date.parse(now)))).toEqual(steps)
  })
}
