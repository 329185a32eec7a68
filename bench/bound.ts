/**
 * From creation to binding, through the API: `node bench/bound.ts [--nodes 1000] [--pods 5000] [--connections 32] [--record]`. Starts a
 * cluster as `skiff up --control-plane-only` makes it (durable store, all controllers, scheduler), makes its nodes, and then the pods over
 * TLS from a process of its own, which also watches them. Prints pods/s from the first request to the last binding seen by the watch, and
 * what client and server took for each pod of processor time.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { cpuMicrosOf } from './server-process.ts'

const { values: given } = parseArgs({
  options: {
    nodes: { type: 'string', default: '1000' },
    pods: { type: 'string', default: '5000' },
    connections: { type: 'string', default: '32' },
    record: { type: 'boolean', default: false },
  },
})
const root = join(import.meta.dirname, '..')
const data = mkdtempSync(join(tmpdir(), 'skiff-bound-'))
const name = `bound-${process.pid}`
const skiff = (...args: string[]): void => {
  const { status, stderr } = spawnSync(join(root, 'skiff'), [...args, '--name', name], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`skiff ${args.join(' ')}: ${stderr}`)
}
const serverPid = (): number => JSON.parse(readFileSync(join(data, 'cluster.json'), 'utf8')).server.pid
const serverMicros = (): number => cpuMicrosOf(serverPid())

skiff('up', '--control-plane-only', '--data', data)
try {
  const options = { kubeconfig: join(data, 'kubeconfig'), nodes: +given.nodes, pods: +given.pods, connections: +given.connections }
  const client = spawn(process.execPath, [join(import.meta.dirname, 'scheduling/bound-client.ts'), JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let beforeMicros = 0
  // It says when its nodes are there, and waits for a word.
  client.stdout.once('data', () => {
    beforeMicros = serverMicros()
    client.stdin.end('go\n')
  })
  const result = JSON.parse((await text(client.stdout)).split('\n')[1] ?? '') as {
    podsPerSecond: number
    createsPerSecond: number
    clientMicros: number
  }
  const micros = Math.round((serverMicros() - beforeMicros) / options.pods)
  console.log(
    `${options.nodes} nodes, ${options.pods} pods: ${result.podsPerSecond} pods/s created and bound (creation alone ${result.createsPerSecond}/s)`,
    `· server ${micros} µs a pod in all its threads · client ${result.clientMicros} µs a pod`,
  )
  if (given.record) {
    mkdirSync(join(import.meta.dirname, 'baselines'), { recursive: true })
    const machine = { cpu: cpus()[0]?.model.trim(), cores: cpus().length, node: process.version }
    const kept = { ...machine, nodes: options.nodes, pods: options.pods, ...result, serverMicros: micros }
    writeFileSync(join(import.meta.dirname, 'baselines/bound.json'), `${JSON.stringify(kept, null, 2)}\n`)
  }
} finally {
  skiff('down')
  rmSync(data, { recursive: true, force: true })
}
