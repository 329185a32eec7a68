import type { ComponentStatus, Kind } from '@skiff/api'
import { type KubeObject, notFound, withVersion } from '@skiff/machinery'
import type { Part } from '../handler.ts'
import type { Entry } from '../registry/entry.ts'
import { replyEntry, replyPage } from '../represent/represent.ts'
import { listOptions } from '../rest/list-options.ts'

/** What is wrong with a component of the control plane; undefined while it is healthy. */
export type ComponentCheck = () => string | undefined | Promise<string | undefined>

/** The ports that upstream asks the components at, which its text names where nobody answers. */
const ports = { scheduler: 10259, 'controller-manager': 10257 } as const

const silent = (port: number): string => `Get "https://127.0.0.1:${port}/healthz": dial tcp 127.0.0.1:${port}: connect: connection refused`

/** The components and their health, asked anew by each read: nothing of this is stored. */
export const componentStatuses = (running: ReadonlyMap<string, ComponentCheck>, readStore: () => Promise<unknown>): Part => {
  const ofComponent = async (name: keyof typeof ports): Promise<ComponentStatus> => {
    const check = running.get(name)
    return statusOf(name, check ? await check() : silent(ports[name]))
  }
  const ofStore = (): Promise<ComponentStatus> =>
    readStore().then(
      () => statusOf('etcd-0', undefined),
      (error: Error) => statusOf('etcd-0', '', error.message),
    )
  return async ({ rest, tables }, { call, kind }) => {
    const all = await Promise.all([ofComponent('scheduler'), ofComponent('controller-manager'), ofStore()])
    if (call.verb === 'get') {
      const found = all.find(({ metadata }) => metadata.name === call.name)
      // Upstream names the kind here, and not the resource.
      if (!found) throw notFound({ group: '', resource: 'componentstatus' }, call.name ?? '')
      return replyEntry(call, kind, entryOf(kind, found), tables)
    }
    const { match } = listOptions(kind, call, rest.gates)
    const entries = all.filter((each) => !match || match(each)).map((each) => entryOf(kind, each))
    return replyPage(call, { kind, revision: 0, entries }, tables)
  }
}

const statusOf = (name: string, fault: string | undefined, error?: string): ComponentStatus =>
  ({
    apiVersion: 'v1',
    kind: 'ComponentStatus',
    metadata: { name },
    conditions: [
      {
        type: 'Healthy',
        status: fault === undefined ? 'True' : 'False',
        ...(fault === '' ? {} : { message: fault ?? 'ok' }),
        ...(error ? { error } : {}),
      },
    ],
  }) as unknown as ComponentStatus

const entryOf = (kind: Kind, object: KubeObject): Entry => ({
  key: object.metadata.name,
  revision: 0,
  object,
  bytes: withVersion(kind.codec.encode(object)),
})
