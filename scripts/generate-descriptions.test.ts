import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { generateDescriptions } from './generate-descriptions.ts'

const { texts, types } = JSON.parse(generateDescriptions()) as { texts: string[]; types: Record<string, (number | string)[]> }
const core = 'io.k8s.api.core.v1.'
const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1.'
const textOf = (type: string, field: string): string => {
  const row = types[type] ?? []
  return texts[row[row.indexOf(field, 1) + 1] as number] ?? ''
}

/** A tree whose packages were installed before this one was asked for makes do with the client's texts. */
const missing = !existsSync(fileURLToPath(new URL('../node_modules/kubernetes-models', import.meta.url)))

test.skipIf(missing)('texts of references, lines and closed sets', () => {
  expect(textOf(`${core}Pod`, 'spec')).toBe(
    'Specification of the desired behavior of the pod. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#spec-and-status',
  )
  expect(textOf(`${core}Pod`, 'kind')).toMatch(/^Kind is a string value representing the REST resource/)
  expect(textOf(`${core}PodSpec`, 'dnsPolicy')).toContain('\n\nPossible enum values:\n - `"ClusterFirst"` indicates')
  expect(textOf('io.k8s.api.admissionregistration.v1.RuleWithOperations', 'resources')).toContain("'*/scale' means all scale subresources")
})

test('texts of query parameters', () => {
  expect(textOf('query', 'pretty')).toMatch(/^If 'true', then the output is pretty printed\. Defaults to 'false' unless/)
  expect(textOf(`${meta}ListOptions`, 'resourceVersion')).toMatch(/for details\.\n\nDefaults to unset$/)
  expect(textOf(`${meta}ListOptions`, 'sendInitialEvents')).toContain(
    'set to any other value or unset\n  Invalid error is returned.\n\nDefaults',
  )
  expect(textOf(`${core}PodExecOptions`, 'command')).toBe(
    'Command is the remote command to execute. argv array. Not executed within a shell.',
  )
})

test.skipIf(missing)('nearly every field has a text', () => {
  const row = types[`${core}PodStatus`] as unknown[]
  expect(row.filter((each) => each === 0)).toEqual([])
  expect(Object.values(types).reduce((sum, each) => sum + (each.length - 1) / 2, 0)).toBeGreaterThan(3_000)
})
