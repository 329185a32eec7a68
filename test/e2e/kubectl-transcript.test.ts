import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { loadYaml } from '@skiff/machinery'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { background, must, newCluster, run, type TestCluster, until, whyNoCluster } from './cluster/cluster.ts'
import { packWebImages, webManifest } from './cluster/image.ts'

const onPath = (await run('sh', ['-c', 'command -v kubectl'])).out.trim()
const versions = ((): Readonly<Record<string, string>> => {
  if (!onPath) return {}
  const dir = dirname(realpathSync(onPath))
  const beside = readdirSync(dir).flatMap((file) => (/^kubectl\.1\.(27|30|33)$/.test(file) ? [[file.slice(8), join(dir, file)]] : []))
  return beside.length > 0 ? Object.fromEntries(beside) : { 'on the PATH': onPath }
})()
const why = (await whyNoCluster()) ?? (onPath ? undefined : 'kubectl is not on the PATH')

describe.skipIf(why !== undefined)(`a day with kubectl${why ? ` (skipped: ${why})` : ''}`, () => {
  let cluster: TestCluster
  const dir = mkdtempSync(join(tmpdir(), 'skiff-kubectl-'))
  beforeAll(async () => {
    cluster = await newCluster('kubectl')
    await cluster.up()
    await packWebImages(cluster)
  })
  afterAll(async () => {
    rmSync(dir, { recursive: true, force: true })
    expect(await cluster?.remove()).toEqual([])
  })

  test.each(Object.entries(versions))(
    'kubectl %s',
    async (version, kubectl) => {
      const namespace = `v${version.replaceAll(/[^0-9]/g, '-')}`.replace(/-+$/, '')
      const env = { KUBECONFIG: cluster.kubeconfig, HOME: dir }
      const given = (args: string) => ['-n', namespace, ...args.split(' ')]
      const k = (args: string, input?: string) => must(run(kubectl, given(args), { env, ...(input === undefined ? {} : { input }) }))
      const fails = (args: string) => run(kubectl, given(args), { env })

      expect(await k(`create namespace ${namespace}`)).toBe(`namespace/${namespace} created\n`)
      expect(await k('apply -f -', webManifest(2))).toBe('deployment.apps/web created\nservice/web created\n')
      expect(await k('apply -f -', webManifest(2))).toBe('deployment.apps/web unchanged\nservice/web unchanged\n')
      expect(await k('rollout status deployment/web --timeout=60s')).toContain('deployment "web" successfully rolled out\n')

      expect(await k('get deployment web')).toMatch(/^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +2\/2 +2 +2 +\d+s\n$/)
      expect(await k('get pods -l app=web -o wide')).toMatch(
        /^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE +NOMINATED NODE +READINESS GATES\n/,
      )
      const yaml = loadYaml(await k('get service web -o yaml')).value as {
        kind: string
        spec: { ports: { targetPort: number }[]; type: string }
      }
      expect([yaml.kind, yaml.spec.type, yaml.spec.ports[0]?.targetPort]).toEqual(['Service', 'ClusterIP', 8080])
      const [pod = ''] = (await k('get pods -l app=web -o jsonpath={.items[*].metadata.name}')).split(' ')
      const described = await k(`describe pod ${pod}`)
      for (const part of [
        /^Status: +Running$/m,
        /^ +Image: +e2e\/web:1$/m,
        /Normal +Scheduled/,
        /Normal +Started +\S+ +kubelet +Started container web/,
      ])
        expect(described).toMatch(part)
      expect(await k('explain pods.spec.containers.image')).toContain('Container image name.')

      const job = 'for i in $(seq 1 5); do echo line $i; sleep 0.2; done'
      await must(run(kubectl, [...given('run counter --image=e2e/web:1 --restart=Never --command --'), 'sh', '-c', job], { env }))
      await k('wait pod/counter --for=jsonpath={.status.phase}=Running --timeout=30s').catch(() => {})
      expect(await k('logs -f counter')).toBe('line 1\nline 2\nline 3\nline 4\nline 5\n')
      expect(await k('logs --tail=2 counter')).toBe('line 4\nline 5\n')

      expect(await k(`exec ${pod} -- hostname`)).toBe(`${pod}\n`)
      const failed = await run(kubectl, [...given(`exec ${pod} -- sh -c`), 'echo bad >&2; exit 3'], { env })
      expect([failed.code, failed.err]).toEqual([3, 'bad\ncommand terminated with exit code 3\n'])
      const terminal = await run('script', ['-qec', `${kubectl} -n ${namespace} exec -it ${pod} -- tty`, '/dev/null'], { env })
      expect([terminal.code, terminal.out.trim()]).toEqual([0, expect.stringContaining('/dev/pts/0')])

      const text = Array.from({ length: 5000 }, (_, index) => `line ${index}\n`).join('')
      writeFileSync(join(dir, 'sent'), text)
      await k(`cp ${join(dir, 'sent')} ${pod}:/tmp/sent`)
      await k(`cp ${pod}:/tmp/sent ${join(dir, 'received')}`)
      expect(readFileSync(join(dir, 'received'), 'utf8')).toBe(text)

      const forward = background(kubectl, given('port-forward service/web :80'), env)
      try {
        const port = await until('a forwarded port', () => /127\.0\.0\.1:(\d+) -> 8080/.exec(forward.printed())?.[1])
        const page = await fetchPage(`http://127.0.0.1:${port}/`)
        expect((await k('get pods -l app=web -o jsonpath={.items[*].metadata.name}')).split(' ')).toContain(page.trim())
      } finally {
        await forward.stop()
      }

      expect(await k('scale deployment web --replicas=3')).toBe('deployment.apps/web scaled\n')
      expect(await k('set image deployment/web web=e2e/web:2')).toBe('deployment.apps/web image updated\n')
      await k('rollout status deployment/web --timeout=60s')
      expect(await k('rollout history deployment/web')).toMatch(/REVISION +CHANGE-CAUSE\n1 +<none>\n2 +<none>\n/)
      expect(await k('rollout undo deployment/web')).toBe('deployment.apps/web rolled back\n')
      await k('rollout status deployment/web --timeout=60s')
      expect(await k('get deployment web -o jsonpath={.spec.template.spec.containers[0].image}')).toBe('e2e/web:1')

      expect(await k('label service web tier=front')).toBe('service/web labeled\n')
      expect(await k('get service -l tier=front -o name')).toBe('service/web\n')
      expect(await k('annotate service web note=seen')).toMatch(/^service\/web annotated?\n$/)
      const token = (await k('create token default')).trim()
      const asAccount = join(dir, 'account.kubeconfig')
      const credentials = /client-certificate-data: .*\n( *)client-key-data: .*/
      writeFileSync(asAccount, readFileSync(cluster.kubeconfig, 'utf8').replace(credentials, `token: ${token}`))
      const refused = await run(kubectl, given('get pods'), { env: { ...env, KUBECONFIG: asAccount } })
      expect(refused.err).toBe(
        `Error from server (Forbidden): pods is forbidden: User "system:serviceaccount:${namespace}:default" cannot list resource "pods" in API group "" in the namespace "${namespace}"\n`,
      )
      expect(await fails('get pod nothing')).toMatchObject({ code: 1, err: 'Error from server (NotFound): pods "nothing" not found\n' })

      expect(await k('delete deployment/web service/web pod/counter')).toBe(
        'deployment.apps "web" deleted\nservice "web" deleted\npod "counter" deleted\n',
      )
      await until('the end of all pods', async () => ((await k('get pods -o name')) === '' ? true : undefined))
      expect(await k(`delete namespace ${namespace}`)).toBe(`namespace "${namespace}" deleted\n`)
    },
    150_000,
  )
})

const fetchPage = (url: string): Promise<string> =>
  new Promise((done, failed) => {
    get(url, (reply) => {
      let text = ''
      reply.on('data', (part) => (text += part))
      reply.on('end', () => done(text))
    }).on('error', failed)
  })
