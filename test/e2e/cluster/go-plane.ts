import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { issueCertificate } from '@skiff/apiserver'
import { systemEnv } from '@skiff/machinery'
import {
  createSimulatedRuntime,
  type NodeAgent,
  openLogInMemory,
  simulatedHooks,
  simulatedMachine,
  simulatedProbes,
  startNodeAgent,
} from '@skiff/node'
import type { TestCluster } from './cluster.ts'
import { type Running, startProgram } from './programs.ts'

const folder = process.env.SKIFF_GO_BINARIES ?? ''
const programs = ['kube-controller-manager', 'kube-scheduler'] as const

/** Why upstream's own programs cannot be tried; undefined when they can. */
export const whyNoGoPrograms = (): string | undefined => {
  if (folder === '') return 'SKIFF_GO_BINARIES names no folder with kube-controller-manager and kube-scheduler'
  const missing = programs.filter((name) => !existsSync(join(folder, name)))
  return missing.length > 0 ? `${folder} has no ${missing.join(' and no ')}` : undefined
}

const freePort = (): Promise<number> =>
  new Promise((done) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => done(port))
    })
  })

/** A kubeconfig under the component's own name, with a certificate of the cluster's authority. */
const componentKubeconfig = async (cluster: TestCluster, user: string): Promise<string> => {
  const pki = join(cluster.dir, 'pki')
  const authority = { cert: readFileSync(join(pki, 'ca.crt'), 'utf8'), key: readFileSync(join(pki, 'ca.key'), 'utf8') }
  const pair = await issueCertificate(authority, { subject: { commonName: user }, days: 1, usages: ['client'] }, systemEnv())
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const text = readFileSync(cluster.kubeconfig, 'utf8')
    .replace(/client-certificate-data: .*/, `client-certificate-data: ${base64(pair.cert)}`)
    .replace(/client-key-data: .*/, `client-key-data: ${base64(pair.key)}`)
  const file = join(cluster.dir, '..', `${user.replaceAll(':', '-')}.kubeconfig`)
  writeFileSync(file, text, { mode: 0o600 })
  return file
}

export interface GoPlane {
  readonly running: readonly Running[]
  /** What those said last that have ended. */
  readonly ended: readonly string[]
  stop(): Promise<void>
}

/** Upstream's programs in the place of Skiff's controllers and scheduler, with leader election and protobuf as they come. */
export const startGoPlane = async (cluster: TestCluster): Promise<GoPlane> => {
  const ended: string[] = []
  const start = async (name: (typeof programs)[number], more: readonly string[]): Promise<Running> => {
    const kubeconfig = await componentKubeconfig(cluster, `system:${name}`)
    const flags = [
      ...['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].map((flag) => `--${flag}=${kubeconfig}`),
      ...['--bind-address=127.0.0.1', `--secure-port=${await freePort()}`, '--port=0', '--leader-elect=true'],
    ]
    const file = join(folder, name)
    const program = startProgram({ name, file, args: [], line: () => file }, [...flags, ...more], {})
    void program.ended.then((code) => ended.push(`${name} ended with ${code}:\n${program.err().split('\n').slice(-30).join('\n')}`))
    return program
  }
  const pki = join(cluster.dir, 'pki')
  const running = [
    await start('kube-controller-manager', [
      '--use-service-account-credentials=true',
      `--service-account-private-key-file=${join(pki, 'service-account.key')}`,
      `--root-ca-file=${join(pki, 'ca.crt')}`,
      `--cluster-signing-cert-file=${join(pki, 'ca.crt')}`,
      `--cluster-signing-key-file=${join(pki, 'ca.key')}`,
    ]),
    await start('kube-scheduler', []),
  ]
  return {
    running,
    ended,
    stop: async () => {
      for (const each of running) each.kill('SIGTERM')
      await Promise.all(running.map(({ ended }) => ended))
    },
  }
}

/** A node whose agent is the real one, over containers that are simulated, in this process. */
export const startHandNode = async (cluster: TestCluster, number: number): Promise<NodeAgent> => {
  const env = systemEnv()
  const nodeName = `hand-${number}`
  const podCidr = `10.244.${number}.0/24`
  const runtime = createSimulatedRuntime({ env, podCidr })
  return startNodeAgent({
    client: await cluster.client(),
    env,
    nodeName,
    runtime,
    machine: simulatedMachine(nodeName),
    runProbe: simulatedProbes(runtime),
    runHook: simulatedHooks(env.sleep),
    openLog: openLogInMemory(env, runtime.log),
    podCidr,
    clusterDns: [],
    clusterDomain: 'cluster.local',
    addresses: [{ type: 'InternalIP', address: `10.9.0.${number}` }],
  })
}
