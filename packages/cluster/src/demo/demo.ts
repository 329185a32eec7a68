import { spawn } from 'node:child_process'
import { endpointSlice, pod, service } from '@skiff/api'
import type { Client } from '@skiff/client'
import { type Env, systemEnv } from '@skiff/machinery'
import { adminClient } from '../admin-client.ts'
import { isRunning } from '../process-mark.ts'
import { findPlace, readRecord } from '../record.ts'
import { type Tell, UserError } from '../talk.ts'
import { up } from '../up.ts'
import { packDemoImages } from './images.ts'
import { guestbook } from './manifest.ts'
import { fetchText, visitAll } from './page-client.ts'

interface Stage {
  readonly clusterName: string
  readonly kubeconfig: string
  readonly client: Client
  readonly env: Env
  readonly tell: Tell
  /** Runs a command of skiff's own, shows it and its output. */
  readonly show: (args: readonly string[], input?: string, mayEndWith?: number) => Promise<string>
}

/** A guestbook of three tiers on real containers: comes up, heals, scales, rolls out and back. Leaves the cluster up. */
export const demo = async (clusterName: string, tell: Tell): Promise<void> => {
  const env = systemEnv()
  const began = env.monotonicMs()
  const since = () => `${((env.monotonicMs() - began) / 1000).toFixed(1)} s`
  const stage = await openStage(clusterName, env, tell)
  await comesUp(stage)
  tell(`\nThe page answered ${since()} after the start.`)
  await heals(stage)
  await scales(stage)
  await rolls(stage)
  tell(`\nDone in ${since()}. The cluster stays up; try next:

  export KUBECONFIG=${stage.kubeconfig}
  kubectl get all                                    what runs
  kubectl logs -f deploy/guestbook-web               what it says
  kubectl exec -it deploy/guestbook-store -- sh      look inside
  kubectl port-forward svc/guestbook-web 8080:80     the page on http://localhost:8080/cgi-bin/index
  skiff status                                       the cluster itself
  skiff down                                         take it all away`)
}

const openStage = async (clusterName: string, env: Env, tell: Tell): Promise<Stage> => {
  const place = findPlace(clusterName)
  if (!isRunning(readRecord(place)?.server)) await up({ name: clusterName }, tell)
  const record = readRecord(place)
  if (record?.runtime !== 'containerd' || record.controlPlaneOnly)
    throw new UserError('the demo runs real containers, which needs root on Linux: try `sudo ./skiff demo`')
  const client = await adminClient(place)
  return { clusterName, kubeconfig: place.kubeconfig, client, env, tell, show: shower(place.kubeconfig, tell) }
}

const shower =
  (kubeconfig: string, tell: Tell): Stage['show'] =>
  (args, input, mayEndWith) =>
    new Promise((resolve, reject) => {
      tell(`\n$ skiff ${args.join(' ')}`)
      const child = spawn(process.execPath, [...process.execArgv, process.argv[1] as string, ...args], {
        env: { ...process.env, KUBECONFIG: kubeconfig },
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      let output = ''
      child.stdout.setEncoding('utf8')
      child.stdout.on('data', (text: string) => {
        output += text
        process.stdout.write(text)
      })
      child.stdin.end(input ?? '')
      child.on('error', reject)
      child.on('close', (code) =>
        code === 0 || code === mayEndWith ? resolve(output) : reject(new UserError(`skiff ${args.join(' ')} ended with ${code}`)),
      )
    })

const heading = (tell: Tell, text: string): void => tell(`\n── ${text} ${'─'.repeat(Math.max(0, 76 - text.length))}`)

const until = async <T>({ env }: Stage, what: string, look: () => Promise<T | undefined>, limitMs = 60_000): Promise<T> => {
  const deadline = env.monotonicMs() + limitMs
  for (;;) {
    const found = await look().catch(() => undefined)
    if (found !== undefined) return found
    if (env.monotonicMs() > deadline)
      throw new UserError(`${what} did not happen within ${limitMs / 1000} s; \`skiff get pods\` and \`skiff journal\` tell more`)
    await env.sleep(50)
  }
}

const addressOf = async ({ client }: Stage, name: string): Promise<string> => {
  const found = await client.get(service, { namespace: 'default', name })
  return found.spec.clusterIP ?? ''
}

const pageUrl = async (stage: Stage): Promise<string> => `http://${await addressOf(stage, 'guestbook-web')}/cgi-bin/index`

const comesUp = async (stage: Stage): Promise<void> => {
  const { tell, show } = stage
  heading(tell, 'images: packed here from busybox and shell scripts, nothing is downloaded')
  for (const name of await packDemoImages(stage.clusterName)) tell(`  ${name}`)
  heading(tell, 'three tiers come up')
  await show(['apply', '-f', '-'], guestbook('guestbook-web:1'))
  for (const name of ['store', 'api', 'web']) await show(['rollout', 'status', `deployment/guestbook-${name}`])
  await show(['get', 'pods,services', '-o', 'wide'])
  heading(tell, 'the page answers through its Service')
  const api = `http://${await addressOf(stage, 'guestbook-api')}/cgi-bin/entries`
  await until(stage, 'an answer of the API', () => fetchText(api))
  await fetchText(api, 'Hello from the demo')
  const page = await until(stage, 'the page', async () => {
    const text = await fetchText(await pageUrl(stage))
    return text.includes('Hello from the demo') ? text : undefined
  })
  tell(page.trim())
}

const heals = async (stage: Stage): Promise<void> => {
  const { tell, show, client } = stage
  heading(tell, 'and by its DNS name, from within')
  await show(['exec', 'deploy/guestbook-api', '--', 'nslookup', 'guestbook-web.default.svc.cluster.local'])
  heading(tell, 'a container that is killed comes back in its pod')
  const victim = (await podsOf(stage, 'guestbook-web'))[0]?.metadata.name ?? ''
  // What is executed in a container may end with it.
  await show(['exec', victim, '--', 'kill', '1'], undefined, 137)
  await until(stage, 'the restart', async () => {
    const held = await client.get(pod, { namespace: 'default', name: victim })
    const [status] = held.status?.containerStatuses ?? []
    return status && status.restartCount > 0 && status.ready ? status : undefined
  })
  await show(['get', 'pod', victim])
  heading(tell, 'a pod that is deleted is replaced')
  await show(['delete', 'pod', victim])
  await until(stage, 'the replacement', async () => ((await ready(stage, 'guestbook-web')) === 2 ? true : undefined))
  await show(['get', 'pods', '-l', 'app=guestbook-web'])
}

const podsOf = async ({ client }: Stage, app: string) =>
  (await client.list(pod, { namespace: 'default' }, { query: { labelSelector: `app=${app}` } })).items

const ready = async (stage: Stage, app: string): Promise<number> =>
  (await podsOf(stage, app)).filter(
    (each) =>
      !each.metadata.deletionTimestamp && each.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
  ).length

const scales = async (stage: Stage): Promise<void> => {
  const { tell, show, client } = stage
  heading(tell, 'scale to 5')
  await show(['scale', 'deployment/guestbook-web', '--replicas=5'])
  await show(['rollout', 'status', 'deployment/guestbook-web'])
  await until(stage, 'five endpoints', async () => {
    const slices = await client.list(
      endpointSlice,
      { namespace: 'default' },
      { query: { labelSelector: 'kubernetes.io/service-name=guestbook-web' } },
    )
    return slices.items.flatMap((slice) => slice.endpoints ?? []).filter((each) => each.conditions?.ready).length === 5 ? true : undefined
  })
  await show(['get', 'deployment', 'guestbook-web'])
}

const rolls = async (stage: Stage): Promise<void> => {
  const { tell, show, env } = stage
  heading(tell, 'a new version rolls out while visitors come: no request may fail')
  const visits = visitAll(await pageUrl(stage), env)
  try {
    await show(['set', 'image', 'deployment/guestbook-web', 'httpd=guestbook-web:2'])
    await show(['rollout', 'status', 'deployment/guestbook-web'])
    await env.sleep(500)
  } finally {
    await visits.stop()
  }
  const { made, failed, versions } = await visits.stop()
  tell(
    `\n${made} visits, ${failed.length} failed; ${[...versions].map(([version, count]) => `version ${version} answered ${count}`).join(', ')}`,
  )
  if (failed.length > 0) throw new UserError(`visits failed during the roll-out: ${[...new Set(failed)].join('; ')}`)
  heading(tell, 'and back')
  await show(['rollout', 'history', 'deployment/guestbook-web'])
  await show(['rollout', 'undo', 'deployment/guestbook-web'])
  await show(['rollout', 'status', 'deployment/guestbook-web'])
  const back = await until(stage, 'version 1', async () => {
    const text = await fetchText(await pageUrl(stage))
    return text.includes('version 1') ? /<h1>.*<\/h1>/.exec(text)?.[0] : undefined
  })
  tell(`\n${back}`)
}
