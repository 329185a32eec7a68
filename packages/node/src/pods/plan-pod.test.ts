import { describe, expect, test } from 'vitest'
import { live, podOf } from './testing/life.ts'

describe('a plain pod', () => {
  test('starts in one plan: sandbox, then containers in order', () => {
    const life = live(podOf({ containers: [{ name: 'b' }, { name: 'a' }] }))
    expect(life.sync()).toEqual(['sandbox #0', 'start main b #0', 'start main a #0'])
    expect(life.summary()).toBe('Running a=running#0+ b=running#0+ [sandbox init ready containers scheduled]')
    expect(life.sync()).toEqual([])
  })

  test('a crash restarts at once, then after 10, 20, 40 … 300 s, and at once again after ten quiet minutes', () => {
    const life = live(podOf({}))
    life.sync()
    life.pass(1_000)
    life.exit('c', 1)
    expect(life.sync()).toEqual(['start main c #1'])
    const waits: string[] = []
    for (let crash = 0; crash < 7; crash += 1) {
      life.exit('c', 1)
      waits.push(life.sync()[0] ?? '')
      if (crash === 0) expect(life.summary()).toBe('Running c=CrashLoopBackOff#1 [sandbox init scheduled]')
      life.pass(Number(/(\d+)s$/.exec(waits.at(-1) ?? '')?.[1]) * 1000)
      expect(life.sync()[0]).toMatch(/^start main c/)
    }
    expect(waits).toEqual([10, 20, 40, 80, 160, 300, 300].map((seconds) => `hold c ${seconds}s`))
    life.pass(601_000)
    life.exit('c', 1)
    expect(life.sync()[0]).toBe('start main c #9')
  })

  test('the message of CrashLoopBackOff names delay, container and pod', () => {
    const life = live(podOf({}))
    life.sync()
    life.exit('c', 1)
    life.sync()
    life.exit('c', 1)
    life.sync()
    expect(life.memory.failures.get('c')?.message).toBe('back-off 10s restarting failed container=c pod=p_default(u1)')
  })

  test('of each container the two newest instances stay', () => {
    const life = live(podOf({}))
    life.sync()
    for (let crash = 0; crash < 3; crash += 1) {
      life.exit('c', 1)
      life.pass(400_000)
      life.sync()
    }
    expect(life.seen.containers.map(({ restartCount }) => restartCount)).toEqual([3, 2])
    expect(life.steps).toContain('remove c #0')
  })

  test('a new image restarts the container whatever the policy says', () => {
    const life = live(podOf({ restartPolicy: 'Never' }))
    life.sync()
    life.pod = { ...life.pod, spec: { ...life.pod.spec, containers: [{ name: 'c', image: 'new' }] } }
    expect(life.sync()).toEqual(['kill c 30s: Container c definition changed, will be restarted', 'start main c #1'])
  })

  test('a dead sandbox is replaced, and what ran in it counts as restarted', () => {
    const life = live(podOf({}))
    life.sync()
    life.crash()
    expect(life.sync()).toEqual(['sandbox #1 (replaces)', 'start main c #1'])
    expect(life.summary()).toBe('Running c=running#1+ [sandbox init ready containers scheduled]')
  })

  test('two ready sandboxes are both given up', () => {
    const life = live(podOf({}))
    life.sync()
    const [first] = life.seen.sandboxes
    if (first) life.seen = { ...life.seen, sandboxes: [{ ...first, id: 'other', attempt: 1 }, first] }
    expect(life.sync()).toEqual([
      'kill c 30s: Stopping container c',
      'stopSandbox other',
      'stopSandbox s1',
      'sandbox #2 (replaces)',
      'start main c #1',
      'removeSandbox other',
    ])
  })

  test('a container that was made but never started is made anew, and that is no restart', () => {
    const life = live(podOf({}))
    life.sync()
    life.seen = { ...life.seen, containers: life.seen.containers.map((one) => ({ ...one, state: 'created', startedMs: 0 })) }
    expect(life.sync()).toEqual(['remove c #0', 'start main c #0'])
  })

  test('running containers are left alone after the agent restarts', () => {
    const life = live(podOf({}))
    life.sync()
    life.forget()
    expect(life.sync()).toEqual([])
  })
})

describe('restart policies', () => {
  test('Never: both ends are final, and the sandbox goes', () => {
    const life = live(podOf({ restartPolicy: 'Never', containers: [{ name: 'a' }, { name: 'b' }] }))
    life.sync()
    life.exit('a', 0)
    expect(life.sync()).toEqual([])
    expect(life.summary()).toBe('Running a=Completed(0)#0 b=running#0+ [sandbox init scheduled]')
    life.exit('b', 3)
    expect(life.sync()).toEqual(['stopSandbox s1', 'finish'])
    expect(life.summary()).toBe('Failed a=Completed(0)#0 b=Error(3)#0 [init scheduled]')
  })

  test('OnFailure: only what failed restarts', () => {
    const life = live(podOf({ restartPolicy: 'OnFailure', containers: [{ name: 'a' }, { name: 'b' }] }))
    life.sync()
    life.exit('a', 0)
    life.exit('b', 3)
    expect(life.sync()).toEqual(['start main b #1'])
    life.exit('b', 0)
    expect(life.sync()).toEqual(['stopSandbox s1', 'finish'])
    expect(life.summary()).toBe('Succeeded a=Completed(0)#0 b=Completed(0)#1 [init scheduled]')
  })

  test('Never: a lost sandbox is not replaced once a container ran', () => {
    const life = live(podOf({ restartPolicy: 'Never' }))
    life.sync()
    life.crash()
    expect(life.sync()).toEqual(['finish'])
    expect(life.summary()).toBe('Failed c=Unknown(255)#0 [init scheduled]')
  })
})

test('Never: a container that had not started when the sandbox was lost never will, and the pod is over', () => {
  const life = live(podOf({ restartPolicy: 'Never', containers: [{ name: 'a' }, { name: 'b' }] }))
  life.sync()
  life.seen = { ...life.seen, containers: life.seen.containers.filter(({ name }) => name === 'a') }
  life.crash()
  expect(life.sync()).toEqual(['fail SandboxLost', 'finish'])
  expect(life.summary()).toBe('Failed/SandboxLost a=Unknown(255)#0 b=ContainerCreating#0 [init scheduled]')
})

test('Never: where nothing had started, a lost sandbox is replaced', () => {
  const life = live(podOf({ restartPolicy: 'Never' }))
  life.sync()
  life.crash()
  life.seen = { ...life.seen, containers: life.seen.containers.map((container) => ({ ...container, state: 'created' as const })) }
  expect(life.sync()).toEqual(['sandbox #1 (replaces)', 'remove c #0', 'start main c #0', 'removeSandbox s1'])
})

test('Never: a sandbox that is lost between init containers and the pod proper is replaced', () => {
  const life = live(podOf({ restartPolicy: 'Never', initContainers: [{ name: 'i' }] }))
  life.sync()
  life.exit('i', 0)
  life.crash()
  expect(life.sync()).toEqual(['remove i #0', 'sandbox #1 (replaces)', 'start init i #1', 'removeSandbox s1'])
})

describe('init containers', () => {
  const spec = { initContainers: [{ name: 'i1' }, { name: 'i2' }] }

  test('run one after the other before the pod proper', () => {
    const life = live(podOf(spec))
    expect(life.sync()).toEqual(['sandbox #0', 'start init i1 #0'])
    expect(life.summary()).toBe('Pending i1=running#0 i2=PodInitializing#0 c=PodInitializing#0 [sandbox scheduled]')
    life.exit('i1', 0)
    expect(life.sync()).toEqual(['start init i2 #0'])
    life.exit('i2', 0)
    expect(life.sync()).toEqual(['start main c #0'])
    expect(life.summary()).toBe('Running i1=Completed(0)#0+ i2=Completed(0)#0+ c=running#0+ [sandbox init ready containers scheduled]')
  })

  test('a failing one is repeated with delays', () => {
    const life = live(podOf(spec))
    life.sync()
    life.exit('i1', 1)
    expect(life.sync()).toEqual(['start init i1 #1'])
    life.exit('i1', 1)
    expect(life.sync()).toEqual(['hold i1 10s', 'wake in 10s'])
    expect(life.summary()).toBe('Pending i1=CrashLoopBackOff#1 i2=PodInitializing#0 c=PodInitializing#0 [sandbox scheduled]')
  })

  test('a failing one fails a pod that never restarts', () => {
    const life = live(podOf({ ...spec, restartPolicy: 'Never' }))
    life.sync()
    life.exit('i1', 1)
    expect(life.sync()).toEqual(['stopSandbox s1', 'finish'])
    expect(life.summary()).toBe('Failed i1=Error(1)#0 i2=PodInitializing#0 c=PodInitializing#0 [scheduled]')
  })

  test('do not run again when a container of the pod restarts, even when they are gone from the runtime', () => {
    const life = live(podOf(spec))
    life.sync()
    life.exit('i1', 0)
    life.sync()
    life.exit('i2', 0)
    life.sync()
    life.seen = { ...life.seen, containers: life.seen.containers.filter(({ name }) => name === 'c') }
    expect(life.sync()).toEqual([])
  })

  test('all run again in a new sandbox', () => {
    const life = live(podOf(spec))
    life.sync()
    life.exit('i1', 0)
    life.sync()
    life.crash()
    expect(life.sync()).toEqual(['remove i2 #0', 'remove i1 #0', 'sandbox #1 (replaces)', 'start init i1 #1', 'removeSandbox s1'])
  })
})

describe('sidecars', () => {
  const sidecar = { name: 's', restartPolicy: 'Always' }

  test('start in turn and stay; the pod ends without them', () => {
    const life = live(podOf({ initContainers: [sidecar, { name: 'i' }], restartPolicy: 'Never' }))
    expect(life.sync()).toEqual(['sandbox #0', 'start sidecar s #0', 'start init i #0'])
    life.exit('i', 0)
    expect(life.sync()).toEqual(['start main c #0'])
    expect(life.summary()).toBe('Running s=running#0+ i=Completed(0)#0+ c=running#0+ [sandbox init ready containers scheduled]')
    life.exit('s', 1)
    expect(life.sync()).toEqual(['start sidecar s #1'])
    life.exit('c', 0)
    expect(life.sync()).toEqual(['kill s 30s turn 1: Stopping container s', 'stopSandbox s1', 'finish'])
    expect(life.summary()).toBe('Succeeded s=Error(137)#1 i=Completed(0)#0+ c=Completed(0)#0 [init scheduled]')
  })

  test('the next waits for a startup probe', () => {
    const life = live(podOf({ initContainers: [{ ...sidecar, startupProbe: {} }] }))
    expect(life.sync()).toEqual(['sandbox #0', 'start sidecar s #0'])
    expect(life.summary()).toBe('Pending s=running#0 c=PodInitializing#0 [sandbox scheduled]')
    life.probe('s', { startup: 'success' })
    expect(life.sync()).toEqual(['start main c #0'])
  })

  test('end after all others, the last first', () => {
    const life = live(podOf({ initContainers: [sidecar, { ...sidecar, name: 't' }] }))
    life.sync()
    life.mark(10)
    expect(life.sync()).toEqual([
      'kill c 10s: Stopping container c',
      'kill t 10s turn 1: Stopping container t',
      'kill s 10s turn 2: Stopping container s',
      'stopSandbox s1',
      'finish',
    ])
  })
})

describe('probes', () => {
  test('a failed liveness probe restarts, with the grace that the probe names', () => {
    const life = live(podOf({ containers: [{ name: 'c', livenessProbe: { terminationGracePeriodSeconds: 5 } }] }))
    life.sync()
    life.probe('c', { liveness: 'failure' })
    expect(life.sync()).toEqual(['kill c 5s: Container c failed liveness probe, will be restarted', 'start main c #1'])
  })

  test('a failed startup probe ends a pod that never restarts', () => {
    const life = live(podOf({ restartPolicy: 'Never', containers: [{ name: 'c', startupProbe: {} }] }))
    life.sync()
    life.probe('c', { startup: 'failure' })
    expect(life.sync()).toEqual(['kill c 30s: Stopping container c', 'stopSandbox s1', 'finish'])
  })

  test('readiness shows in status alone', () => {
    const life = live(podOf({ containers: [{ name: 'c', readinessProbe: {} }] }))
    life.sync()
    expect(life.summary()).toBe('Running c=running#0 [sandbox init scheduled]')
    life.probe('c', { readiness: 'success' })
    expect(life.sync()).toEqual([])
    expect(life.summary()).toBe('Running c=running#0+ [sandbox init ready containers scheduled]')
  })
})

describe('the end', () => {
  test('a marked pod is killed within its grace, and nothing starts any more', () => {
    const life = live(podOf({}))
    life.sync()
    life.mark(7)
    expect(life.sync()).toEqual(['kill c 7s: Stopping container c', 'stopSandbox s1', 'finish'])
    expect(life.summary()).toBe('Failed c=Error(137)#0 [init scheduled]')
  })

  test('a grace of zero still leaves two seconds', () => {
    const life = live(podOf({}))
    life.sync()
    life.mark(0)
    expect(life.sync()[0]).toBe('kill c 2s: Stopping container c')
  })

  test('a pod that is marked before it started never starts', () => {
    const life = live(podOf({}))
    life.mark()
    expect(life.sync()).toEqual(['finish'])
  })

  test('activeDeadlineSeconds counts from the start time', () => {
    const life = live(podOf({ activeDeadlineSeconds: 60 }))
    expect(life.sync()).toEqual(['sandbox #0', 'start main c #0', 'wake in 60s'])
    life.pass(60_000)
    expect(life.sync()).toEqual(['fail DeadlineExceeded', 'kill c 30s: Stopping container c', 'stopSandbox s1', 'finish'])
    expect(life.summary()).toBe('Failed/DeadlineExceeded c=Error(137)#0 [init scheduled]')
    expect(life.memory.status?.message).toBe('Pod was active on the node longer than the specified deadline')
  })

  test('a pod that the server calls Failed is ended', () => {
    const life = live({ ...podOf({}), status: { phase: 'Failed' } })
    expect(life.sync()).toEqual(['finish'])
  })
})

test('ephemeral containers start whatever else goes on, and never again', () => {
  const life = live(podOf({ initContainers: [{ name: 'i' }] }))
  life.sync()
  life.pod = { ...life.pod, spec: { ...life.pod.spec, ephemeralContainers: [{ name: 'debug' }] } }
  expect(life.sync()).toEqual(['start ephemeral debug #0'])
  life.exit('debug', 1)
  expect(life.sync()).toEqual([])
})
