import type { PriorityLevelConfiguration } from '@skiff/api'
import { type Identity, virtualEnv } from '@skiff/client'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { mandatoryLevels, mandatorySchemas, suggestedLevels, suggestedSchemas } from './bootstrap-objects.ts'
import { createFlows, type Flows } from './flows.ts'
import { createGate } from './gate.ts'
import { createInFlightLimiter } from './in-flight.ts'
import { isRefused, type Limiter, type Refused, type Ticket } from './limiter.ts'
import { divideSeats } from './seats.ts'

const named = <T>(specs: Readonly<Record<string, object>>): T[] =>
  Object.entries(specs).map(([name, spec]) => ({ metadata: { name, uid: `uid-${name}` }, spec }) as T)
const everybody = 'system:authenticated'
const who = (name: string, ...groups: string[]): Identity => ({ name, groups: [...groups, everybody] })
const account = (namespace: string, name: string): Identity =>
  who(`system:serviceaccount:${namespace}:${name}`, 'system:serviceaccounts', `system:serviceaccounts:${namespace}`)
const getPods = { verb: 'get', group: '', resource: 'pods', subresource: '', namespace: 'n' }

let env = virtualEnv()
let flows: Flows
let gate: Limiter
const open: Ticket[] = []

/** A server of so many seats with the objects that every cluster has. */
const build = (seats: number, levels: readonly PriorityLevelConfiguration[] = named({ ...mandatoryLevels, ...suggestedLevels })): void => {
  env = virtualEnv()
  flows = createFlows(seats)
  flows.configure(named({ ...mandatorySchemas, ...suggestedSchemas }), levels)
  gate = createGate({ env, longestWaitMs: 15_000, flowOf: flows.flowOf, levels: () => flows.levels.values() })
}
beforeEach(() => build(600))
afterEach(() => {
  open.length = 0
})

const flowName = (identity: Identity, request = getPods): string => {
  const { schema, level } = flows.flowOf(identity, request)
  return `${schema.name} ${level.name}`
}
const turn = () => new Promise((resolve) => setImmediate(resolve))

test('requests go to the schema that upstream sends them to', () => {
  const path = (path: string, verb = 'get') => ({ verb, group: '', resource: '', subresource: '', namespace: '', path })
  const lease = { ...getPods, group: 'coordination.k8s.io', resource: 'leases' }
  expect(flowName(who('admin', 'system:masters'))).toBe('exempt exempt')
  expect(flowName(who('system:node:a', 'system:nodes'))).toBe('system-nodes system')
  expect(flowName(who('system:node:a', 'system:nodes'), { ...getPods, resource: 'nodes', subresource: 'status', namespace: '' })).toBe(
    'system-node-high node-high',
  )
  expect(flowName(who('system:node:a', 'system:nodes'), lease)).toBe('system-node-high node-high')
  expect(flowName(who('system:kube-scheduler'), lease)).toBe('system-leader-election leader-election')
  expect(flowName(who('system:kube-scheduler'))).toBe('kube-scheduler workload-high')
  expect(flowName(who('system:kube-controller-manager'), { ...getPods, verb: 'update', resource: 'endpoints' })).toBe(
    'endpoint-controller workload-high',
  )
  expect(flowName(account('kube-system', 'x'))).toBe('kube-system-service-accounts workload-high')
  expect(flowName(account('default', 'x'))).toBe('service-accounts workload-low')
  expect(flowName(who('somebody'))).toBe('global-default global-default')
  expect(flowName({ name: 'system:anonymous', groups: ['system:unauthenticated'] }, path('/livez'))).toBe('probes exempt')
  expect(flowName({ name: 'system:anonymous', groups: ['system:unauthenticated'] }, path('/version'))).toBe('global-default global-default')
  expect(flowName({ name: 'nobody', groups: [] })).toBe('catch-all catch-all')
})

test('seats are divided as upstream divides 600 of them', () => {
  const specs = new Map(Object.entries({ ...mandatoryLevels, ...suggestedLevels }))
  expect(Object.fromEntries([...divideSeats(600, specs)].map(([name, { nominal, kept }]) => [name, [nominal, kept]]))).toEqual({
    exempt: [0, 0],
    'catch-all': [13, 13],
    system: [74, 50],
    'node-high': [98, 73],
    'leader-election': [25, 25],
    'workload-high': [98, 49],
    'workload-low': [245, 24],
    'global-default': [49, 24],
  })
})

const take = (identity: Identity, width = 1): Ticket => {
  const ticket = gate.enter(identity, getPods, width)
  if (ticket instanceof Promise || isRefused(ticket)) throw new Error('no seat at once')
  open.push(ticket)
  return ticket
}
/** Takes seats until there are none, where the last asked waits; how many there were. */
const takeAll = (identity: Identity): number => {
  for (let count = 0; ; count++) {
    const entered = gate.enter(identity, getPods, 1)
    if (entered instanceof Promise || isRefused(entered)) return count
    open.push(entered)
  }
}

test('a level takes what others lend, and no more; administrators need no seat', () => {
  // 600 seats of which 288 are kept by others.
  expect(takeAll(who('somebody'))).toBe(24 + (24 + 25 + 49 + 221 + 25))
  for (let at = 0; at < 1000; at++) take(who('admin', 'system:masters'))
  expect(takeAll(account('default', 'x'))).toBe(24)
})

test('a level without queues refuses at once', () => {
  expect(takeAll({ name: 'nobody', groups: [] })).toBe(13 + 344)
  expect(gate.enter({ name: 'nobody', groups: [] }, getPods, 1)).toMatchObject({ retryAfterSeconds: 1 })
})

test('one flow fills its own hand of queues, and another is served next', async () => {
  const flood = account('default', 'flood')
  const quiet = account('default', 'quiet')
  takeAll(flood)
  const answers: (Ticket | Refused)[] = []
  const served: string[] = []
  const ask = (identity: Identity): Refused | undefined => {
    const entered = gate.enter(identity, getPods, 1)
    if (!(entered instanceof Promise)) return entered as Refused
    void entered.then((answer) => {
      answers.push(answer)
      if (!isRefused(answer)) served.push(identity.name)
    })
    return undefined
  }
  // Six queues of fifty, where one waits already.
  for (let at = 1; at < 300; at++) expect(ask(flood)).toBeUndefined()
  expect(ask(flood)).toMatchObject({ retryAfterSeconds: 1 })
  for (let at = 0; at < 3; at++) expect(ask(quiet)).toBeUndefined()
  for (let at = 0; at < 12; at++) {
    gate.leave(open.pop() as Ticket)
    await turn()
    await turn()
  }
  expect(served.filter((name) => name === quiet.name)).toHaveLength(3)
  await env.advance(15_000)
  await turn()
  expect(answers.filter((answer) => isRefused(answer))).toHaveLength(302 - 11)
})

test('who goes away while waiting takes no seat', async () => {
  const one = account('default', 'x')
  takeAll(one)
  let leave = () => {}
  const waiting = gate.enter(one, getPods, 1, (act) => {
    leave = act
    return () => {}
  })
  leave()
  expect(await waiting).toEqual({ flow: undefined, retryAfterSeconds: 0 })
  gate.leave(open.pop() as Ticket)
  gate.leave(open.pop() as Ticket)
  await turn()
  await turn()
  // Another waited before.
  expect(takeAll(one)).toBe(1)
})

test('a list takes as many seats as its objects ask for, up to a part of its level', () => {
  expect(take(account('default', 'x'), 10).seats).toBe(10)
  expect(take({ name: 'nobody', groups: [] }, 10).seats).toBe(2)
})

test('a level that changes or goes is followed', () => {
  const limited = { type: 'Limited', limited: { nominalConcurrencyShares: 1, lendablePercent: 0, borrowingLimitPercent: 0 } }
  flows.configure(named({ ...mandatorySchemas, ...suggestedSchemas }), named({ ...mandatoryLevels, 'workload-low': limited }))
  expect(flows.levels.get('workload-low')?.seats).toEqual({ nominal: 100, kept: 100, most: 100 })
  expect(takeAll(account('default', 'x'))).toBe(100)
  flows.configure(named({ ...mandatorySchemas, ...suggestedSchemas }), named(mandatoryLevels))
  expect(flowName(account('default', 'x'))).toBe('catch-all catch-all')
  flows.configure([], [])
  expect(flowName(who('admin', 'system:masters'))).toBe('exempt exempt')
})

test('without fairness so many requests are served at a time, and those of administrators', () => {
  const plain = createInFlightLimiter({ readOnly: 2, mutating: 1 })
  const tickets = [plain.enter(who('a'), getPods, 1), plain.enter(who('b'), getPods, 1)] as Ticket[]
  expect(plain.enter(who('c'), getPods, 1)).toEqual({ flow: undefined, retryAfterSeconds: 1 })
  expect(plain.enter(who('admin', 'system:masters'), getPods, 1)).not.toHaveProperty('retryAfterSeconds')
  expect(plain.enter(who('c'), { ...getPods, verb: 'create' }, 1)).not.toHaveProperty('retryAfterSeconds')
  expect(plain.enter(who('c'), { ...getPods, verb: 'create' }, 1)).toHaveProperty('retryAfterSeconds')
  plain.leave(tickets[0] as Ticket)
  plain.leave(tickets[1] as Ticket)
  expect(plain.enter(who('c'), getPods, 1)).not.toHaveProperty('retryAfterSeconds')
})
