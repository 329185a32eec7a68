import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newCluster, type Outcome, run, type TestCluster, until, whyNoCluster } from './cluster/cluster.ts'
import { packWebImages } from './cluster/image.ts'
import { fetchText, type Program, skiffItself, startProgram, theirs, typing, withText } from './cluster/programs.ts'
import { verbPods } from './cluster/verb-pods.ts'

// The verbs that hold a connection open, by skiff itself against running containers; beside them kubectl 1.33, where there is one.

const why = await whyNoCluster()

describe.skipIf(why !== undefined)(`verbs on running containers${why ? ` (skipped: ${why})` : ''}`, { timeout: 60_000 }, () => {
  let cluster: TestCluster
  let env: { KUBECONFIG: string; HOME: string }
  const dir = mkdtempSync(join(tmpdir(), 'skiff-verbs-'))
  const programs: readonly Program[] = theirs ? [skiffItself, theirs] : [skiffItself]
  const say = (program: Program, args: readonly string[], input?: string): Promise<Outcome> =>
    run(program.file, [...program.args, ...args], { env, ...(input === undefined ? {} : { input }) })
  const s = (...args: string[]): Promise<Outcome> => say(skiffItself, args)
  /** Both say the same, which is returned. */
  const same = async (args: readonly string[], input?: string): Promise<Outcome> => {
    const [ours, ...others] = await Promise.all(programs.map((program) => say(program, args, input)))
    for (const other of others) expect.soft({ args, ...ours }).toEqual({ args, ...other })
    return ours as Outcome
  }
  /** Both say the same lines: among several pods, or containers of one, kubectl has no order. */
  const sameLines = async (args: readonly string[]): Promise<void> => {
    const all = await Promise.all(programs.map((program) => say(program, args)))
    const [ours, ...others] = all.map(({ code, out, err }) => ({ args, code, err, lines: out.split('\n').sort() }))
    expect(ours?.lines.length).toBeGreaterThan(3)
    for (const other of others) expect(ours).toEqual(other)
  }
  const inTerminal = (program: Program, args: string, keys: Parameters<typeof typing>[1]) => typing(program.line(args), keys, env)

  beforeAll(async () => {
    cluster = await newCluster('verbs')
    await cluster.up('--nodes', '2')
    env = { KUBECONFIG: cluster.kubeconfig, HOME: dir }
    await packWebImages(cluster)
    expect(await say(skiffItself, ['apply', '-f', '-'], verbPods)).toMatchObject({ code: 0 })
    const ready = await s('wait', 'pod', '-l', 'stays', '--for=condition=Ready', '--timeout=30s')
    expect(ready).toMatchObject({ code: 0 })
    // An end that no event told is found when the runtime is listed, once a minute.
    const over = await s('wait', 'pod/over', '--for=jsonpath={.status.phase}=Succeeded', '--timeout=90s')
    expect(over, (await s('get', 'pod', 'over', '-o', 'yaml')).out).toMatchObject({ code: 0, err: '' })
  }, 150_000)
  afterAll(async () => {
    rmSync(dir, { recursive: true, force: true })
    expect(await cluster?.remove()).toEqual([])
  }, 60_000)

  describe('logs', () => {
    test.each([
      ['a container', 'logs two -c talks --tail=3'],
      ['the default container', 'logs two'],
      ['none of its lines', 'logs two talks --tail=0'],
      ['the pods of a word', 'logs pod/one --all-pods --tail=1'],
      ['since', 'logs one --since=1h --tail=2'],
      ['since too short a time', 'logs one --since=1ms'],
      ['since a moment', 'logs one --since-time=2020-01-01T00:00:00Z --tail=1'],
      ['stamped', 'logs one --timestamps --tail=2'],
      ['some bytes', 'logs one --limit-bytes=7'],
      ['an ended pod', 'logs over'],
      ['an init container', 'logs over -c first'],
      ['an ended pod, followed', 'logs -f over --prefix'],
      ['a container that is not there', 'logs one -c nope'],
      ['no earlier container', 'logs one --previous'],
      ['too many to follow', 'logs -f -l app=x --max-log-requests=1'],
    ])('of %s', async (_what, line) => {
      await same(line.split(' '))
    })

    test.each(['logs two --all-containers --prefix --tail=2', 'logs -l app=x', 'logs -l app=x --prefix --all-containers --tail=-1'])(
      'of several containers: %s',
      (line) => sameLines(line.split(' ')),
    )

    test('followed while a container starts again, and of the one before', async () => {
      await until('a restart', async () =>
        Number((await s('get', 'pod', 'again', '-o', 'jsonpath={.status.containerStatuses[0].restartCount}')).out) > 0 ? true : undefined,
      )
      const { out, ...rest } = await s('logs', 'again', '--previous')
      expect(rest).toEqual({ code: 0, err: '' })
      // Two streams have no order among each other.
      expect(out.split('\n').sort()).toEqual(['', 'complaint', 'life'])
      const followed = await startProgram(skiffItself, ['logs', '-f', 'ticks'], env)
      await until('three ticks', () => (followed.out().split('\n').length > 3 ? true : undefined))
      expect(followed.out()).toMatch(/^tick 1\ntick 2\ntick 3\n/)
      // The log of a container ends with it; the pod's next one is not followed.
      await s('exec', 'ticks', '--', 'kill', '1')
      expect(await followed.ended).toBe(0)
    })
  })

  describe('exec', () => {
    test.each([
      ['a command', ['exec', 'one', '--', 'echo', 'a  b', '$x']],
      ['a pod by its type', ['exec', 'pod/one', '--', 'true']],
      ['the default container', ['exec', 'two', '--', 'echo', 'x']],
      ['both outputs and the exit code', ['exec', 'two', '-c', 'talks', '--', 'sh', '-c', 'echo x; echo y >&2; exit 4']],
      ['a command that is killed', ['exec', 'one', '--', 'sh', '-c', 'kill -9 $$']],
      ['a terminal without one here', ['exec', '-it', 'one', '--', 'tty']],
      ['an ended pod', ['exec', 'over', '--', 'true']],
      ['no such container', ['exec', 'one', '-c', 'nope', '--', 'true']],
      ['no such pod', ['exec', 'nope', '--', 'true']],
      ['no command', ['exec', 'one']],
    ])('of %s', async (_what, args) => {
      await same(args)
    })
    test('carries standard input', async () => {
      expect(await same(['exec', '-i', 'one', '--', 'cat'], 'some text\n')).toEqual({ code: 0, out: 'some text\n', err: '' })
    })

    test('carries fifty megabytes there and back', async () => {
      const bytes = randomBytes(50_000_000)
      const digest = createHash('md5').update(bytes).digest('hex')
      writeFileSync(join(dir, 'sent'), bytes)
      const there = await run(
        'sh',
        ['-c', `${skiffItself.line('exec -i one -- sh -c')} 'cat >/tmp/big; md5sum </tmp/big' <${join(dir, 'sent')}`],
        { env },
      )
      expect(there).toEqual({ code: 0, out: `${digest}  -\n`, err: '' })
      const back = await run('sh', ['-c', `${skiffItself.line('exec one -- cat /tmp/big')} | md5sum`], { env })
      expect(back).toEqual({ code: 0, out: `${digest}  -\n`, err: '' })
    })

    test.each(programs)('on a terminal, by $name: sizes, Ctrl-C, exit code', async (program) => {
      const sized = await inTerminal(program, 'exec -it one -- sh', [
        ['# ', 'while sleep 0.1; do stty size; done\r'],
        ['33 101', { rows: 34, columns: 102 }],
        ['34 102', '\x03'],
        [/\^C[^#]*# /, 'exit 7\r'],
      ])
      // Lines end as the container's terminal ends them.
      expect(sized.text).not.toContain('\r\r\n')
      expect(sized.text).toMatch(/command terminated with exit code 7\r\n$/)
      expect(sized.code).toBe(7)
    })
    test.each(programs)('on a terminal without one in the container, by $name: Ctrl-C ends it', async (program) => {
      const { code } = await inTerminal(program, `exec one -- sh -c 'echo begun; sleep 100'`, [['begun', '\x03']])
      expect(code).toBe(130)
    })
    test.each(programs)('logs -f and get -w on a terminal, by $name: Ctrl-C ends them with 1', async (program) => {
      const logs = await inTerminal(program, 'logs -f one --tail=1', [['one 20', '\x03']])
      const gets = await inTerminal(program, 'get pod one -w -o name', [['pod/one', '\x03']])
      expect([logs.code, gets.code]).toEqual([1, 1])
    })
  })

  describe('attach', () => {
    test.each([
      ['an ended pod', 'attach over'],
      ['no such container', 'attach two -c nope'],
      ['too many words', 'attach pod one two'],
      ['nothing', 'attach'],
    ])('of %s', async (_what, line) => {
      expect(await same(line.split(' '))).toMatchObject({ code: 1 })
    })
    test.each(programs)('to a shell on a terminal, by $name', async (program) => {
      const shell = `shell-${program.name}`
      await until('the shell', async () =>
        (await s('wait', `pod/${shell}`, '--for=condition=Ready', '--timeout=5s')).code === 0 ? true : undefined,
      )
      const { text, code } = await inTerminal(program, `attach -it ${shell}`, [
        ['pressing enter.', '\r'],
        ['# ', 'echo attached $((3+4)); tty\r'],
        ['/dev/pts/0', 'exit\r'],
      ])
      expect(text).toContain('attached 7')
      expect(text.trimEnd()).toMatch(
        new RegExp(`Session ended, resume using '${program.name} attach ${shell} -c main -i -t' command when the pod is running$`),
      )
      expect(code).toBe(0)
    })
    test.each(programs)('by standard input, by $name', async (program) => {
      const attached = await startProgram(program, ['attach', '-i', `reads-${program.name}`], env)
      attached.write('echo in $((2+2))\n')
      await until('the answer', () => (attached.out() === 'in 4\n' ? true : undefined))
      attached.write('exit\n')
      expect(await attached.ended).toBe(0)
      // kubectl itself loses what it reads before it is ready to, and says so.
      expect(attached.err().replace(/^E.*Unknown stream id.*\n/gm, '')).toBe("If you don't see a command prompt, try pressing enter.\n")
    })
  })

  describe('run', () => {
    test.each(programs)('--rm -it, by $name', async (program) => {
      const { text, code } = await inTerminal(program, `run mine-${program.name} --rm -it --restart=Never --image=e2e/web:1 -- sh`, [
        ['pressing enter.', '\r'],
        ['# ', 'tty; stty size\r'],
        ['33 101', 'exit 9\r'],
      ])
      expect(text).toContain('/dev/pts/0')
      expect(text).toMatch(
        new RegExp(`pod "mine-${program.name}" deleted\\r\\npod default/mine-${program.name} terminated \\(Error\\)\\r\\n$`),
      )
      expect(code).toBe(9)
      expect((await s('get', 'pod', `mine-${program.name}`)).err).toContain('NotFound')
    })
    test.each(programs)('-i reads what is piped, by $name', async (program) => {
      const said = await say(program, ['run', 'pipes', '-q', '--rm', '-i', '--restart=Never', '--image=e2e/web:1', '--', 'md5sum'], 'abc\n')
      expect(said).toEqual({ code: 0, out: '0bee89b07a248e27c83fc3d5951213c1  -\n', err: '' })
    })
    test('of what is over before anyone attaches shows its log', async () => {
      const args = [
        'run',
        'quick',
        '--rm',
        '--attach',
        '--restart=Never',
        '--image=e2e/web:1',
        '--command',
        '--',
        'sh',
        '-c',
        'echo hello; exit 5',
      ]
      // Whoever attaches between the word and the end hears nothing, with kubectl as well.
      await until('the word is heard', async () => {
        const { code, out } = await s(...args)
        expect(code).toBe(5)
        return out === 'hello\npod "quick" deleted\n' ? true : undefined
      })
    })
  })

  describe('cp', () => {
    test.each(programs)('a folder there and back, by $name', async (program) => {
      const here = join(dir, `cp-${program.name}`)
      const there = `/tmp/from-${program.name}`
      makeTree(join(here, 'tree'))
      expect(await say(program, ['cp', join(here, 'tree'), `one:${there}`])).toEqual({ code: 0, out: '', err: '' })
      const listed = await s('exec', 'one', '--', 'sh', '-c', `cd ${there}; find . | sort; stat -c '%a %N' file link sub/script`)
      expect(listed.out).toBe(
        "./empty\n./file\n./link\n./sub\n./sub/script\n./with space\n640 file\n777 'link' -> 'file'\n755 sub/script\n"
          .replace('.\n', '')
          .replace(/^/, '.\n'),
      )
      const back = await say(program, ['cp', `one:${there}`, join(here, 'back')])
      expect(back.code).toBe(0)
      // What tar itself says may come too late for kubectl.
      expect(back.err.replaceAll(here, '').replaceAll(program.name, 'kubectl')).toContain(
        `warning: skipping symlink: "/back/link" -> "file" (consider using "kubectl exec -n "" "one" -- tar cf - "/tmp/from-kubectl" | tar xf -")\n`,
      )
      expect(treeOf(join(here, 'back'))).toEqual(['empty/', 'file: text', 'sub/', 'sub/script: #!/bin/sh', 'with space: a\0b'])
      // Into a folder that is there it goes with its name; from there its contents come.
      expect(await say(program, ['cp', join(here, 'tree'), 'one:/tmp'])).toMatchObject({ code: 0 })
      expect((await s('exec', 'one', '--', 'sh', '-c', 'ls /tmp/tree/sub; rm -r /tmp/tree')).out).toBe('script\n')
    })
    test('refusals', async () => {
      for (const args of [
        ['a', 'b'],
        ['one:/a', 'two:/b'],
        ['/nope', 'one:/tmp/x'],
        ['x/y/one:/tmp', '/tmp/x'],
        ['one:', '/tmp/x'],
        ['/etc/hostname', 'one:/no/x'],
        ['/etc/hostname', 'nope:/x'],
      ])
        expect(await same(['cp', ...args])).toMatchObject({ code: 1 })
      const missing = await s('cp', 'one:/nope', join(dir, 'missing'))
      expect(missing).toMatchObject({ code: 1, err: expect.stringContaining('tar: /nope: No such file or directory\n') })
    })
  })

  describe('port-forward', () => {
    test.each(programs)('by $name: several ports and connections, and Ctrl-C', async (program) => {
      const forward = await startProgram(program, ['port-forward', 'pod/one', ':8080', ':8081'], env)
      const [first = '', second = ''] = await until('two ports', () => {
        const found = [...forward.out().matchAll(/127\.0\.0\.1:(\d+) -> /g)].map(([, port]) => port as string)
        return found.length === 2 ? found : undefined
      })
      expect(forward.out()).toBe(
        [
          [first, 8080],
          [second, 8081],
        ]
          .map(([here, there]) => `Forwarding from 127.0.0.1:${here} -> ${there}\nForwarding from [::1]:${here} -> ${there}\n`)
          .join(''),
      )
      const pages = await Promise.all(Array.from({ length: 8 }, () => fetchText(`http://127.0.0.1:${first}/`)))
      expect(pages).toEqual(Array(8).fill('page\n'))
      const big = await fetchText(`http://127.0.0.1:${first}/big`)
      expect(big.length).toBe(3_000_000)
      // The other port answers what is sent, and only after its end.
      expect(await withText(Number(second), 'half closed')).toBe('half closed')
      forward.kill('SIGINT')
      expect(await forward.ended).toBe(0)
    })
    test.each(programs)('by $name: a port that nobody listens on ends it', async (program) => {
      const forward = await startProgram(program, ['port-forward', 'pod/one', ':9'], env)
      const port = await until('a port', () => /127\.0\.0\.1:(\d+)/.exec(forward.out())?.[1])
      await withText(Number(port), 'x').catch(() => {})
      expect(await forward.ended).toBe(1)
      expect(forward.out()).toContain(`Handling connection for ${port}\n`)
      expect(forward.err()).toMatch(
        /"Unhandled Error" err="an error occurred forwarding \d+ -> 9: error forwarding port 9 to pod .*connection refused.*\nerror: lost connection to pod\n$/,
      )
    })
    test('what cannot be listened on', async () => {
      const taken = createServer()
      await new Promise<void>((done) => taken.listen(0, '127.0.0.1', done))
      const { port } = taken.address() as { port: number }
      expect(await same(['port-forward', 'one', `${port}:80`, '--address', '127.0.0.1'])).toMatchObject({ code: 1 })
      taken.close()
      for (const words of [
        ['one', '0'],
        ['one', '70000'],
        ['one', 'x:80'],
        ['one', 'x'],
        ['over', ':80'],
        ['svc/nope', '80'],
      ])
        expect(await same(['port-forward', ...words])).toMatchObject({ code: 1 })
    })
  })

  test('get -w tells changes as they come', async () => {
    const watched = await startProgram(skiffItself, ['get', 'pods', '-l', 'app=comes', '-w', '--no-headers'], env)
    await s('run', 'comes', '--image=e2e/web:1', '-l', 'app=comes')
    await until('it runs', () => (/^comes +1\/1 +Running/m.test(watched.out()) ? true : undefined))
    await s('delete', 'pod', 'comes', '--now')
    await until('it goes', () => (/^comes +\d\/1 +(?:Terminating|Completed|Error)/m.test(watched.out()) ? true : undefined))
    watched.kill('SIGINT')
    expect(await watched.ended).toBe(1)
    expect(watched.out()).toMatch(/^comes +0\/1 +(?:Pending|ContainerCreating) +0 +\d+s\n/)
  })

  test('drain of every node moves nothing back, and evicts what has an owner', async () => {
    await s('create', 'deployment', 'moves', '--image=e2e/web:1', '--replicas=3')
    await s('rollout', 'status', 'deployment/moves', '--timeout=30s')
    const nodes = (await s('get', 'nodes', '-o', 'name')).out
      .trim()
      .split('\n')
      .map((name) => name.replace('node/', ''))
    const refused = await same(['drain', ...nodes, '--dry-run=client'])
    expect(refused).toMatchObject({
      code: 1,
      err: expect.stringContaining('cannot delete Pods that declare no controller (use --force to override)'),
    })
    const drained = await s('drain', ...nodes, '--pod-selector=app=moves', '--timeout=30s')
    expect(drained).toMatchObject({ code: 0 })
    for (const node of nodes) expect(drained.out).toContain(`node/${node} drained\n`)
    expect(drained.out.match(/^pod\/moves-\S+ evicted$/gm)).toHaveLength(3)
    expect((await s('uncordon', ...nodes)).out).toBe(nodes.map((node) => `node/${node} uncordoned\n`).join(''))
    await s('rollout', 'status', 'deployment/moves', '--timeout=30s')
  })

  test('top, of what the agents measure', async () => {
    // Looks are fresh for a while: what is asked next comes of the same ones.
    expect(await s('top', 'nodes')).toMatchObject({ code: 0, err: '' })
    for (const [line, header] of [
      ['top nodes', 'NAME'],
      ['top pods', 'NAME'],
      ['top pod two --containers', 'POD'],
    ] as const) {
      const { code, out } = await same(line.split(' '))
      expect([code, out.split('\n').length > 2, out.startsWith(header)], out).toEqual([0, true, true])
    }
  })
})

const makeTree = (root: string): void => {
  mkdirSync(join(root, 'sub'), { recursive: true })
  mkdirSync(join(root, 'empty'))
  writeFileSync(join(root, 'file'), 'text')
  chmodSync(join(root, 'file'), 0o640)
  writeFileSync(join(root, 'sub', 'script'), '#!/bin/sh')
  chmodSync(join(root, 'sub', 'script'), 0o755)
  writeFileSync(join(root, 'with space'), 'a\0b')
  symlinkSync('file', join(root, 'link'))
}

/** Each file with its text, each link with its target, and folders. */
const treeOf = (root: string, below = ''): string[] =>
  readdirSync(join(root, below), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const name = join(below, entry.name)
      if (entry.isSymbolicLink()) return [`${name} -> ${readlinkSync(join(root, name))}`]
      return entry.isDirectory() ? [`${name}/`, ...treeOf(root, name)] : [`${name}: ${readFileSync(join(root, name), 'utf8')}`]
    })
