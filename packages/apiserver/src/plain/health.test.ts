import { openMemoryStore } from '@skiff/store'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start.ts'

let server: TestServer
const store = openMemoryStore()
beforeAll(async () => {
  server = await startTestServer({ store })
})
afterAll(() => server.close())
const textOf = async (path: string): Promise<string> => (await server.raw('GET', path)).text

test('a healthy server says ok, and every check by upstream name when asked', async () => {
  expect(await textOf('/livez')).toBe('ok')
  const lines = (await textOf('/readyz?verbose')).split('\n')
  expect(lines.slice(0, 6)).toEqual([
    '[+]ping ok',
    '[+]log ok',
    '[+]etcd ok',
    '[+]etcd-readiness ok',
    '[+]informer-sync ok',
    '[+]poststarthook/start-apiserver-admission-initializer ok',
  ])
  expect(lines.slice(-3)).toEqual(['[+]shutdown ok', 'readyz check passed', ''])
  expect(await textOf('/livez?verbose')).not.toMatch(/\]shutdown|\]informer-sync|etcd-readiness/)
  expect(await textOf('/livez/poststarthook/rbac/bootstrap-roles')).toBe('ok')
  expect(await server.raw('GET', '/livez/shutdown')).toMatchObject({ status: 404, text: '404 page not found\n' })
})

test('checks may be left out, and those that are not there are named', async () => {
  const text = await textOf('/livez?verbose&exclude=etcd&exclude=none')
  expect(text).toContain('[+]ping ok\n[+]log ok\n[+]etcd excluded: ok\n')
  expect(text).toMatch(/warn: some health checks cannot be excluded: no matches for "none"\nlivez check passed\n$/)
})

test('what is measured is served in the format of Prometheus', async () => {
  await server.raw('GET', '/api/v1/namespaces/default')
  const { text, headers } = await server.raw('GET', '/metrics')
  expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(text).toContain(
    '\napiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="namespaces",scope="resource",subresource="",verb="GET",version="v1"} 1\n',
  )
  expect(text).toMatch(/\napiserver_request_duration_seconds_bucket\{component="apiserver",.*resource="namespaces",.*,le="\+Inf"\} 1\n/)
  expect(text).toContain('\napiserver_current_inflight_requests{request_kind="readOnly"} 1\n')
  expect(text).toContain('\napiserver_flowcontrol_nominal_limit_seats{priority_level="workload-low"} 245\n')
  expect(text).toMatch(/\napiserver_flowcontrol_dispatched_requests_total\{flow_schema="exempt",priority_level="exempt"\} [1-9]\d*\n/)
  expect(text).toContain('\napiserver_storage_objects{resource="namespaces"} 4\n')
  expect(text).toMatch(/\netcd_request_duration_seconds_count\{operation="create",type="namespaces"\} [1-9]\d*\n/)
  expect(text).toMatch(
    /\napiserver_admission_step_admission_duration_seconds_count\{operation="CREATE",rejected="false",type="validate"\} [1-9]\d*\n/,
  )
  expect(text).toMatch(/\nnodejs_eventloop_lag_max_seconds \d/)
  expect(text).toContain('\n# TYPE apiserver_flowcontrol_request_wait_duration_seconds histogram\n')
  for (const line of text.trimEnd().split('\n')) expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{[^{}]*\})? (\d|\+Inf)\S*)$/)
})

test('a server whose store has ended is neither healthy nor ready, and says which check failed', async () => {
  await store.close()
  const { status, text } = await server.raw('GET', '/readyz')
  expect(status).toBe(500)
  expect(text).toContain('[+]log ok\n[-]etcd failed: reason withheld\n[-]etcd-readiness failed: reason withheld\n[+]informer-sync ok\n')
  expect(text).toMatch(/readyz check failed\n$/)
  expect((await server.raw('GET', '/readyz/etcd')).text).toMatch(/^internal server error: .+\n$/)
  expect(await textOf('/readyz?exclude=etcd&exclude=etcd-readiness')).toBe('ok')
})
