import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Pod, pod } from '@skiff/api'
import type { LogOptions } from '@skiff/apiserver'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { usualShape } from '../nodes/shape.ts'
import { createWorld, meanwhile, type World } from '../world/world.ts'

// What kubectl makes of these answers is in test/e2e/kubectl-simulation.

let dir = ''
let world: World | undefined
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'skiff-answers-'))
})
afterEach(async () => {
  await world?.stop()
  world = undefined
  rmSync(dir, { recursive: true, force: true })
})

const logs = (kind: string, name: string, spec: string) => `kind: ${kind}
apiVersion: kwok.x-k8s.io/v1alpha1
metadata: { name: ${name} }
spec: ${spec}
`
const open = async (...documents: string[]) => {
  const running = await createWorld({ seed: 1, shapes: [usualShape(1)], file: documents.join('---\n') })
  world = running
  const { client, live, simulation } = running
  const make = (name: string, more: object = {}): Promise<Pod> =>
    client.create(pod, {
      metadata: { name, namespace: 'default', ...more },
      spec: { containers: [{ name: 'main', image: 'i' }], nodeName: 'node-1' },
    } as never)
  const made = await make('p')
  await make('q', { annotations: { 'simulated.skiff.dev/start-ms': '60000' } })
  await live(2_000)
  const read = async (name: string, options: Partial<LogOptions> = {}): Promise<string> => {
    const { metadata } = await client.get(pod, { namespace: 'default', name })
    const ref = { namespace: 'default', name, uid: metadata.uid }
    const parts: Buffer[] = []
    const stream = await simulation.connection('node-1')?.logs(ref, { container: 'main', ...options })
    for await (const part of stream ?? []) parts.push(part as Buffer)
    return Buffer.concat(parts).toString()
  }
  return { ...running, read, made }
}

test('a file in the form of the runtime, of docker, and in plain text; what a client asks for of it', async () => {
  const file = join(dir, 'log')
  writeFileSync(
    file,
    '2000-01-01T00:00:00Z stdout F a b\n{"log":"c\\n","stream":"stdout","time":"2000-01-01T00:00:01Z"}\n{ no log }\nlast ü without an end',
  )
  const { read } = await open(logs('ClusterLogs', 'all', `{ logs: [{ logsFile: ${file} }] }`))
  expect(await read('p')).toBe('a b\nc\n{ no log }\nlast ü without an end\n')
  expect(await read('p', { tailLines: 1 })).toBe('last ü without an end\n')
  expect(await read('p', { tailLines: 0 })).toBe('')
  expect(await read('p', { sinceTime: '2000-01-01T00:00:01Z', tailLines: 3, timestamps: true })).toMatch(
    /^2000-01-01T00:00:01Z c\n\S+ \{ no log \}\n\S+ last/,
  )
  expect(await read('p', { limitBytes: 5 })).toBe('a b\nc')
  rmSync(file)
  await expect(read('p')).rejects.toThrow(`the log file ${file} cannot be read (ENOENT)`)
})

test('lines are templates over the pod; a rule for one pod comes before one for all', async () => {
  const { read } = await open(
    logs('ClusterLogs', 'all', '{ selector: { matchNames: [p, q] }, logs: [{ lines: [all] }] }'),
    logs('Logs', 'p', '{ logs: [{ containers: [other], lines: [other] }, { lines: ["{{ .metadata.name }} at {{ .status.podIP }}"] }] }'),
  )
  expect(await read('p')).toBe('p at 10.128.0.2\n')
  await expect(read('q')).rejects.toThrow('container "main" in pod "q" is waiting to start: ContainerCreating')
  await expect(read('p', { previous: true })).rejects.toThrow('previous terminated container "main" in pod "p" not found')
})

test('a log is followed where its rule says so, for as long as the container runs', async () => {
  const file = join(dir, 'log')
  writeFileSync(file, 'one\n')
  const { read, client, live } = await open(
    logs('Logs', 'p', `{ logs: [{ logsFile: ${file}, follow: true }] }`),
    logs('Logs', 'q', `{ logs: [{ logsFile: ${file} }] }`),
  )
  const following = read('p', { follow: true })
  await live(1_000)
  appendFileSync(file, 'two\nhalf')
  await live(1_000)
  appendFileSync(file, ' a line\n')
  await client.remove(pod, { namespace: 'default', name: 'p' }, { gracePeriodSeconds: 0 })
  // Files are read in a time of their own.
  expect(await meanwhile(following, live)).toBe('one\ntwo\nhalf a line\n')
  await live(60_000)
  expect(await read('q', { follow: true })).toBe('one\ntwo\nhalf a line\n')
})

test('without a rule the answer is what to do; a node that is silent or not simulated has none', async () => {
  const { read, simulation, made } = await open()
  await expect(read('p')).rejects.toThrow(
    'container "main" of pod "p" is on the simulated node "node-1" and writes no log; a document of kind Logs or ClusterLogs in the file of `skiff up --simulation` gives it one',
  )
  const node = simulation.connection('node-1')
  await expect(node?.logs({ namespace: 'default', name: 'p', uid: 'other' }, { container: 'main' })).rejects.toThrow('pods "p" not found')
  await expect(node?.portForward({ namespace: 'default', name: 'p', uid: made.metadata.uid }, [80])).rejects.toThrow('listens on no port')
  simulation.setAlive('node-1', false)
  expect(simulation.connection('node-1')).toBeUndefined()
  expect(simulation.connection('node-2')).toBeUndefined()
})
